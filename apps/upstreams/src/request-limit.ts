import type { Clock } from 'holdfast'

/** A provider's limit: so many requests in a window, for each key. */
export interface RequestLimit {
  readonly requests: number
  readonly windowMs: number
  /** `fixed`: windows begin at whole multiples of their length; `rolling`: the last `windowMs` count. */
  readonly window: 'fixed' | 'rolling'
  /** Whether who is over it is told, by `Retry-After`, when there is room again. Default: no. */
  readonly retryAfter?: boolean | undefined
}

/** What a request is told about the limit. */
export interface LimitState {
  readonly allowed: boolean
  readonly limit: number
  readonly remaining: number
  /** When there is room again, in milliseconds since 1970. */
  readonly resetAt: number
}

/** Counts requests by key. */
export class RequestCounter {
  limit: RequestLimit
  readonly #clock: Clock
  readonly #times = new Map<string, number[]>()

  constructor(limit: RequestLimit, clock: Clock) {
    this.limit = limit
    this.#clock = clock
  }

  /** @param requests how many are allowed, if not as many as usual */
  count(key: string, requests: number = this.limit.requests): LimitState {
    const now = this.#clock.wallTime()
    const { windowMs, window } = this.limit
    const begin = window === 'fixed' ? Math.floor(now / windowMs) * windowMs : now - windowMs + 1
    const times = (this.#times.get(key) ?? []).filter((time) => time >= begin)
    const allowed = times.length < requests
    if (allowed) times.push(now)
    this.#times.set(key, times)
    const resetAt = window === 'fixed' ? begin + windowMs : (times[0] ?? now) + windowMs
    return { allowed, limit: requests, remaining: Math.max(0, requests - times.length), resetAt }
  }

  /** Forgets what was counted, and goes by this limit from now on. */
  reset(limit: RequestLimit): void {
    this.limit = limit
    this.#times.clear()
  }
}
