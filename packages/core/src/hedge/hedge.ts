import type { Clock } from '../clock.ts'
import type { CallOptions, Guarded } from '../pipeline/call.ts'
import { pipeline } from '../pipeline/pipeline.ts'

/**
 * Calls a function, and calls it once more when it has not answered after a delay; the first success is the answer, and the
 * other call is aborted. Only for what may be done twice. For a delay that follows the recent durations, and a budget that
 * bounds how often this happens, use the `hedge` of a pipeline or a service.
 *
 * @throws the first call's error when both fail; the signal's reason when the caller gives up
 * @example
 * const quote = await hedge(({ signal }) => fetch(url, { signal }), { delayMs: 200 })
 */
export function hedge<T>(
  fn: Guarded<T>,
  options: { readonly delayMs: number; readonly clock?: Clock | undefined } & Pick<CallOptions, 'signal' | 'operation'>,
): Promise<Awaited<T>> {
  const { delayMs, clock, ...call } = options
  return pipeline({ hedge: { delayMs }, clock }).execute(fn, { ...call, idempotent: true })
}
