/** Whether something can be awaited. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

const { then } = Promise.prototype

/** What a function returned, as a promise whose handlers are called once, whatever it is. */
export function takenOnce(value: unknown): Promise<unknown> {
  if (!(value instanceof Promise)) return Promise.resolve(value)
  // One with a `then` of its own calls its handlers as often as it likes, unless it is taken as a thenable.
  return value.then === then ? value : new Promise((resolve) => resolve(value))
}

/** The value, unless it is a promise. @throws TypeError that names the function to use instead */
export function notThenable<T>(value: T, where: string, instead: string): T {
  if (isThenable(value)) throw new TypeError(`${where}: the function returned a promise; use ${instead} for it`)
  return value
}
