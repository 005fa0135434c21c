import type { ProviderLimit } from './upstream-options.ts'

/** Counts requests in a moving window, and bans who exceeds it too often. */
export class RequestLimit {
  readonly #limit: ProviderLimit
  /** When the last so many requests came, as a ring. */
  readonly #times: Float64Array
  #next = 0
  #violations = 0
  #bannedUntil = Number.NEGATIVE_INFINITY
  /** How often it said no, and how often for a longer time. */
  refused = 0
  bans = 0

  constructor(limit: ProviderLimit) {
    this.#limit = limit
    this.#times = new Float64Array(limit.requests).fill(Number.NEGATIVE_INFINITY)
  }

  /** Counts a request. @returns how long its sender should stay away, in milliseconds; 0 when it may pass */
  admit(at: number): number {
    const { requests, windowMs, ban } = this.#limit
    if (at < this.#bannedUntil) return this.#turnAway(this.#bannedUntil - at)
    const wait = (this.#times[this.#next] ?? 0) + windowMs - at
    if (wait <= 0) {
      this.#times[this.#next] = at
      this.#next = (this.#next + 1) % requests
      return 0
    }
    if (ban === undefined || ++this.#violations < ban.violations) return this.#turnAway(wait)
    this.#violations = 0
    this.#bannedUntil = at + ban.durationMs
    this.bans++
    return this.#turnAway(ban.durationMs)
  }

  #turnAway(waitMs: number): number {
    this.refused++
    return waitMs
  }
}
