import type { Clock } from '../clock.ts'
import type { CallOptions, Guarded } from '../pipeline/call.ts'
import { pipeline } from '../pipeline/pipeline.ts'

/**
 * Calls a function and gives it so long. The caller is answered on time even if the function takes no notice of its
 * signal; what it does afterwards changes nothing.
 *
 * @param timeoutMs limit in milliseconds, from 1
 * @throws TimeoutError when the time is up; InvalidOptionError for a limit that makes no sense
 * @example
 * const answer = await timeout(({ signal }) => fetch(url, { signal }), 2_000)
 */
export async function timeout<T>(
  fn: Guarded<T>,
  timeoutMs: number,
  options: CallOptions & { readonly clock?: Clock | undefined } = {},
): Promise<Awaited<T>> {
  const { clock, ...callOptions } = options
  return await pipeline({ timeoutMs, clock }).execute(fn, callOptions)
}
