/** Whether something can be awaited. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

const { then } = Promise.prototype

/** Whether it calls its handlers once: one with a `then` of its own does so as often as it likes. */
function isNative(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && value.then === then
}

/** What a function returned, as a promise whose handlers are called once, whatever it is. */
export function takenOnce(value: unknown): Promise<unknown> {
  if (isNative(value)) return value
  // Promise.resolve gives back a promise as it is, with its own `then`.
  return value instanceof Promise ? new Promise((resolve) => resolve(value)) : Promise.resolve(value)
}

/** The value, unless it is a promise. @throws TypeError that names the function to use instead */
export function notThenable<T>(value: T | PromiseLike<T>, who: string, instead: string): T {
  if (!isThenable(value)) return value
  // Who called is told; that nobody waits for it must not end the process besides.
  Promise.resolve(value).then(undefined, () => undefined)
  throw new TypeError(`${who} returned a promise; use ${instead} for it`)
}
