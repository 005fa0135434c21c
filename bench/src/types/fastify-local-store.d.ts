/** The memory store of @fastify/rate-limit, which is measured without the server round it; it comes without types. */
declare module '@fastify/rate-limit/store/LocalStore.js' {
  export default class LocalStore {
    constructor(continueExceeding: boolean, exponentialBackoff: boolean, cache: number)
    incr(key: string, callback: (error: unknown) => void, timeWindowMs: number, max: number): void
  }
}
