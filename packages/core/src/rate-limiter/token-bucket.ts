/** The token bucket: the arithmetic of a rate limit, and nothing else. */

/**
 * Tokens are counted in steps of 2^-20, and every rounding goes against the caller: however many operations there are, a
 * bucket never gives more than `burstSize + tokensPerSecond × W` in any window W. Steps of a power of two keep sums exact.
 */
const GRAINS = 2 ** 20

/**
 * A bucket that holds up to `burstSize` tokens and gains `tokensPerSecond`. It starts full. It has no clock: each call is
 * told the time.
 */
export class TokenBucket {
  readonly tokensPerSecond: number
  readonly burstSize: number
  readonly #tokensPerMs: number
  #tokens: number
  #updatedAt: number

  /** @param tokens how many it starts with; default full */
  constructor(tokensPerSecond: number, burstSize: number, now: number, tokens: number = burstSize) {
    this.tokensPerSecond = tokensPerSecond
    this.burstSize = burstSize
    this.#tokensPerMs = tokensPerSecond / 1_000
    this.#tokens = tokens
    this.#updatedAt = now
  }

  /** How many tokens there are at a time. A clock that went back has gained nothing. */
  available(now: number): number {
    const gained = Math.max(0, now - this.#updatedAt) * this.#tokensPerMs
    return Math.min(this.burstSize, this.#tokens + Math.floor(gained * GRAINS) / GRAINS)
  }

  /** Takes tokens that {@link available} has shown to be there. */
  take(cost: number, now: number): void {
    this.#tokens = this.available(now) - cost
    this.#updatedAt = now
  }

  /** Gives back tokens that were taken for nothing; never more than the bucket holds. */
  giveBack(cost: number, now: number): void {
    this.#tokens = Math.min(this.burstSize, this.available(now) + cost)
    this.#updatedAt = now
  }

  /** How many whole milliseconds until `cost` tokens are there; 0 when they are. Not for a cost above the burst. */
  waitMs(cost: number, now: number): number {
    const missing = cost - this.available(now)
    if (missing <= 0) return 0
    const wait = Math.max(1, Math.ceil(missing / this.#tokensPerMs - 1e-6))
    return this.available(now + wait) >= cost ? wait : wait + 1
  }

  /** About how long until this many tokens have come in, in milliseconds, also for more than the bucket holds. */
  estimateMs(tokens: number, now: number): number {
    return Math.max(0, (tokens - this.available(now)) / this.#tokensPerMs)
  }

  /** How long until it is full, in milliseconds. */
  fullInMs(now: number): number {
    return Math.ceil(this.estimateMs(this.burstSize, now))
  }
}
