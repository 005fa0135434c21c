/** How long to wait before the next attempt. */
import type { Random } from '../clock.ts'

/**
 * How the delay is spread so that clients do not come back together:
 * - `full`: anywhere between 0 and the exponential delay (the AWS architecture blog's "full jitter");
 * - `equal`: half of it, plus anywhere up to the other half;
 * - `decorrelated`: anywhere between the base and three times the previous delay;
 * - `none`: exactly the exponential delay.
 */
export type Jitter = 'full' | 'equal' | 'decorrelated' | 'none'

/** What a backoff is computed from. */
export interface Backoff {
  /** Delay before the first retry, in milliseconds. Doubles with every further one. */
  readonly baseDelayMs: number
  /** Longest delay, in milliseconds. */
  readonly maxDelayMs: number
  readonly jitter: Jitter
}

/**
 * The delay before a retry: exponential `min(maxDelayMs, baseDelayMs × 2^(retry − 1))`, with jitter.
 *
 * @param retryNumber 1 for the first retry
 * @param previousDelayMs the delay before the previous retry; only decorrelated jitter looks at it
 * @returns milliseconds in [0, maxDelayMs], never NaN
 */
export function backoffDelayMs(
  backoff: Backoff,
  retryNumber: number,
  previousDelayMs: number | undefined,
  random: Random,
): number {
  const { baseDelayMs, maxDelayMs, jitter } = backoff
  // Beyond 2^31 every base of at least a millisecond is above any maximum; 2^1024 would be Infinity.
  const exponential = Math.min(maxDelayMs, baseDelayMs * 2 ** Math.min(retryNumber - 1, 31))
  switch (jitter) {
    case 'none':
      return exponential
    case 'full':
      return random() * exponential
    case 'equal': {
      // Not `/ 2` twice: with the smallest numbers there are, both halves would be rounded up.
      const half = exponential / 2
      return half + random() * (exponential - half)
    }
    case 'decorrelated': {
      const previous = Math.max(baseDelayMs, previousDelayMs ?? baseDelayMs)
      return Math.min(maxDelayMs, baseDelayMs + random() * (previous * 3 - baseDelayMs))
    }
  }
}
