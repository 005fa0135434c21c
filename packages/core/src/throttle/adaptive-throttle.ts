import { type Clock, type Random, systemClock, systemRandom } from '../clock.ts'
import { ThrottledError } from '../errors.ts'
import { atLeast, callback, checkOptions, clockRule, durationMs, type Rules, wholeNumber } from '../options.ts'

/** Options of an adaptive throttle. */
export interface AdaptiveThrottleOptions {
  /** How many calls are let through for each that the service accepts. Lower refuses sooner. Default 2. */
  readonly callsPerAccept?: number | undefined
  /** Over how long calls and accepts are counted, in milliseconds. Default 120,000. */
  readonly windowMs?: number | undefined
  /** With fewer calls than this in the window nothing is refused. Default 10. */
  readonly minCalls?: number | undefined
  /** Source of time. Default: the system's. */
  readonly clock?: Clock | undefined
  /** Source of randomness. Default: the system's. */
  readonly random?: Random | undefined
}

/** The rules that {@link AdaptiveThrottleOptions} are held to. */
export const ADAPTIVE_THROTTLE_RULES: Rules<AdaptiveThrottleOptions> = {
  callsPerAccept: atLeast(1, 'calls'),
  windowMs: durationMs(100),
  minCalls: wholeNumber(0),
  clock: clockRule,
  random: callback,
}

/** Into how many parts the window is divided: each is forgotten as a whole. */
const BUCKETS = 20

/** Never refuses more than this share, so that a recovery is seen. */
const MOST_REFUSED = 0.9

/** A throttle at one moment, as plain data. */
export interface AdaptiveThrottleSnapshot {
  /** Calls and accepted calls in the window. */
  readonly calls: number
  readonly accepts: number
  /** The chance that the next call is refused. */
  readonly refusalProbability: number
  readonly totals: { readonly refused: number }
}

/**
 * Refuses a share of the calls that grows with how many the service turns away: `max(0, (calls − K × accepts) / (calls + 1))`
 * with K = `callsPerAccept` (Site Reliability Engineering, "Handling Overload"). Calls are counted before they are made, and
 * those that it refuses itself count too. An alternative to a circuit breaker where an overloaded service still does some of
 * the work; with a breaker in the same pipeline it added nothing in any case of the cascade suite, so no profile has it.
 *
 * @example
 * const broker = pipeline({ throttle: new AdaptiveThrottle({ callsPerAccept: 1.5 }) })
 */
export class AdaptiveThrottle {
  readonly #callsPerAccept: number = 0
  readonly #bucketMs: number = 0
  readonly #minCalls: number = 0
  readonly #clock: Clock
  readonly #random: Random
  readonly #calls = new Float64Array(BUCKETS)
  readonly #accepts = new Float64Array(BUCKETS)
  #bucket = 0
  #bucketEndsAt = 0
  #allCalls = 0
  #allAccepts = 0
  #refused = 0

  /** @throws InvalidOptionError when an option makes no sense */
  constructor(options: AdaptiveThrottleOptions = {}) {
    checkOptions('throttle', options, ADAPTIVE_THROTTLE_RULES)
    this.#callsPerAccept = options.callsPerAccept ?? 2
    this.#bucketMs = (options.windowMs ?? 120_000) / BUCKETS
    this.#minCalls = options.minCalls ?? 10
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? systemRandom
    this.#bucketEndsAt = this.#clock.now() + this.#bucketMs
  }

  /** Counts a call, and refuses it perhaps. @returns the refusal */
  enter(call: {
    readonly service: string | undefined
    readonly operation: string | undefined
    readonly attempt: number
    now(): number
  }): ThrottledError | undefined {
    this.#roll(call.now())
    const probability = this.#probability()
    this.#calls[this.#bucket] = (this.#calls[this.#bucket] ?? 0) + 1
    this.#allCalls++
    if (probability === 0 || this.#random() >= probability) return undefined
    this.#refused++
    const { service, operation, attempt } = call
    const context = { service, operation, attempt }
    const retryAfterMs = Math.ceil(this.#bucketMs)
    const figures = { calls: this.#allCalls, accepts: this.#allAccepts, refusalProbability: probability }
    const message = (): string =>
      `throttled: the service accepted ${figures.accepts} of the last ${figures.calls} calls, so ${Math.round(probability * 100)} % are not sent; come back in ${retryAfterMs} ms`
    return new ThrottledError(message, context, retryAfterMs, undefined, figures)
  }

  /** The service did the work of a call that was let through. */
  accepted(now: number): void {
    this.#roll(now)
    this.#accepts[this.#bucket] = (this.#accepts[this.#bucket] ?? 0) + 1
    this.#allAccepts++
  }

  /** Everything there is to see, as plain data. */
  snapshot(): AdaptiveThrottleSnapshot {
    this.#roll(this.#clock.now())
    return {
      calls: this.#allCalls,
      accepts: this.#allAccepts,
      refusalProbability: this.#probability(),
      totals: { refused: this.#refused },
    }
  }

  #probability(): number {
    if (this.#allCalls < this.#minCalls) return 0
    const excess = (this.#allCalls - this.#callsPerAccept * this.#allAccepts) / (this.#allCalls + 1)
    return Math.min(MOST_REFUSED, Math.max(0, excess))
  }

  #roll(now: number): void {
    for (let passed = 0; now >= this.#bucketEndsAt && passed < BUCKETS; passed++) {
      this.#bucket = (this.#bucket + 1) % BUCKETS
      this.#allCalls -= this.#calls[this.#bucket] ?? 0
      this.#allAccepts -= this.#accepts[this.#bucket] ?? 0
      this.#calls[this.#bucket] = 0
      this.#accepts[this.#bucket] = 0
      this.#bucketEndsAt += this.#bucketMs
    }
    // After a long silence all of it is forgotten.
    if (now >= this.#bucketEndsAt) this.#bucketEndsAt = now + this.#bucketMs
  }
}
