import type { CallOptions, Guarded } from '../pipeline/call.ts'
import { pipeline } from '../pipeline/pipeline.ts'
import type { FallbackOptions } from './fallback-policy.ts'

/**
 * Calls a function and answers with a substitute when it fails.
 *
 * @throws an `AggregateError` of both errors when the substitute fails as well; the signal's reason when the caller gave up
 * @example
 * const bars = await fallback(() => polygon.bars('AAPL'), { use: () => lastGood.get('AAPL'), when: isRejection })
 */
export async function fallback<T, F>(
  fn: Guarded<T>,
  fallbackOptions: FallbackOptions<F>,
  options?: CallOptions,
): Promise<Awaited<T> | F> {
  return await pipeline({ fallback: fallbackOptions }).execute(fn, options)
}
