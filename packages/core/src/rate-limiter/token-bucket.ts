import type { AdjustableBucket, CompleteLimit } from './bucket.ts'
import { grainsOf, TokenClock } from './token-clock.ts'

/** A bucket in this process. It starts full unless told otherwise. */
export class TokenBucket implements AdjustableBucket {
  /** When it is full, on the scale of the token clock. */
  fullAt: number = Number.NEGATIVE_INFINITY
  #clock: TokenClock

  constructor(clock: TokenClock, fullAt: number = Number.NEGATIVE_INFINITY) {
    this.#clock = clock
    this.fullAt = fullAt
  }

  get tokensPerSecond(): number {
    return this.#clock.tokensPerSecond
  }

  get burstSize(): number {
    return this.#clock.burstSize
  }

  setLimit(limit: CompleteLimit, now: number): void {
    const lacking = limit.burstSize - Math.min(limit.burstSize, this.available(now))
    this.#clock = new TokenClock(limit, now)
    this.fullAt = grainsOf(lacking)
  }

  available(now: number): number {
    return this.#clock.available(this.fullAt, now)
  }

  waitMs(cost: number, now: number): number {
    const wait = this.#clock.waitMs(this.fullAt, cost, now)
    if (wait === 0) return 0
    const bounded = this.#clock.bounded(this.fullAt, now)
    if (bounded === this.fullAt) return wait
    this.fullAt = bounded
    return this.#clock.waitMs(bounded, cost, now)
  }

  tryTake(cost: number, now: number, kept: number): boolean {
    const fullAt = this.#clock.take(this.fullAt, cost, now)
    if (!this.#clock.has(fullAt, kept, now)) return false
    this.fullAt = fullAt
    return true
  }

  take(cost: number, now: number): void {
    this.fullAt = this.#clock.take(this.fullAt, cost, now)
  }

  giveBack(cost: number): void {
    this.fullAt = this.#clock.giveBack(this.fullAt, cost)
  }

  estimateMs(tokens: number, now: number): number {
    return this.#clock.estimateMs(this.fullAt, tokens, now)
  }

  fullInMs(now: number): number {
    return Math.ceil(this.estimateMs(this.burstSize, now))
  }
}
