/** The part of brakes that is measured; it comes without types. */
declare module 'brakes' {
  export default class Brakes<T> {
    constructor(fn: () => Promise<T>, options: { readonly timeout: number })
    exec(): Promise<T>
    destroy(): void
  }
}
