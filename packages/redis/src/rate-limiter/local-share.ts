/**
 * What one process admits by itself while Redis is away: its part of the rate, and its part of the burst, from nothing. All
 * parts together are the limit, so the fleet stays within it without asking anybody.
 */
export class LocalShare {
  /** How many tokens it holds at most. */
  readonly burstSize: number
  readonly #tokensPerMs: number
  #tokens = 0
  #updatedAt: number

  /** @param part which part of the limit, from 0 to 1 */
  constructor(limit: { readonly tokensPerSecond: number; readonly burstSize: number }, part: number, now: number) {
    this.burstSize = limit.burstSize * part
    this.#tokensPerMs = (limit.tokensPerSecond * part) / 1_000
    this.#updatedAt = now
  }

  available(now: number): number {
    const gained = Math.max(0, now - this.#updatedAt) * this.#tokensPerMs
    return Math.min(this.burstSize, this.#tokens + gained)
  }

  take(cost: number, now: number): void {
    this.#tokens = this.available(now) - cost
    this.#updatedAt = now
  }

  /** How long until `cost` tokens are there, in milliseconds; Infinity for more than it ever holds. */
  waitMs(cost: number, now: number): number {
    const missing = cost - this.available(now)
    if (missing <= 0) return 0
    return cost > this.burstSize ? Number.POSITIVE_INFINITY : Math.max(1, Math.ceil(missing / this.#tokensPerMs))
  }
}
