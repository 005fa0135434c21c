/** Whether something can be awaited. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

/** The value, unless it is a promise. @throws TypeError that names the function to use instead */
export function notThenable<T>(value: T, where: string, instead: string): T {
  if (isThenable(value)) throw new TypeError(`${where}: the function returned a promise; use ${instead} for it`)
  return value
}
