import type { Clock } from '../clock.ts'
import { type AsyncDecorator, decoratorFor } from '../decorate.ts'
import type { CallOptions, Guarded } from '../pipeline/call.ts'
import { pipeline } from '../pipeline/pipeline.ts'

/** What else can be said about a limited call. */
export type TimeoutOptions = Omit<CallOptions, 'timeoutMs'> & { readonly clock?: Clock | undefined }

/**
 * Calls a function and gives it so long. The caller is answered on time even if the function takes no notice of its
 * signal; what it does afterwards changes nothing.
 *
 * @param timeoutMs limit in milliseconds, from 1
 * @throws TimeoutError when the time is up; InvalidOptionError for a limit that makes no sense
 * @example
 * const answer = await timeout(({ signal }) => fetch(url, { signal }), 2_000)
 */
export function timeout<T>(fn: Guarded<T>, timeoutMs: number, options?: TimeoutOptions): Promise<Awaited<T>>
/**
 * The same as a decorator of a method, or round a function, that returns a promise.
 *
 * @example
 * class Broker {
 *   \@timeout(2_000)
 *   async getAccount(): Promise<Account> { … }
 * }
 */
export function timeout(timeoutMs: number, options?: Pick<TimeoutOptions, 'clock'>): AsyncDecorator
export function timeout<T>(
  fnOrTimeoutMs: Guarded<T> | number,
  timeoutMsOrOptions?: number | TimeoutOptions,
  options: TimeoutOptions = {},
): Promise<Awaited<T>> | AsyncDecorator {
  if (typeof fnOrTimeoutMs === 'function') {
    const timeoutMs = typeof timeoutMsOrOptions === 'number' ? timeoutMsOrOptions : Number.NaN
    return limited(fnOrTimeoutMs, timeoutMs, options)
  }
  const clock = typeof timeoutMsOrOptions === 'object' ? timeoutMsOrOptions.clock : undefined
  const guarded = pipeline({ timeoutMs: fnOrTimeoutMs, clock })
  return decoratorFor((call, operation) => guarded.execute(call, { operation }))
}

async function limited<T>(fn: Guarded<T>, timeoutMs: number, options: TimeoutOptions): Promise<Awaited<T>> {
  const { clock, ...callOptions } = options
  return await pipeline({ timeoutMs, clock }).execute(fn, callOptions)
}
