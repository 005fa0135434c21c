import { InvalidOptionError } from '../errors.ts'
import { checkOptions, oneOf, type Rules, wholeNumber } from '../options.ts'

/** Options of an adaptive limit. */
export interface AdaptiveLimitOptions {
  /**
   * How the limit moves. `gradient`: by how much slower the service is than when it has little to do. `aimd`: up by one
   * while calls succeed and the limit is used, down by a tenth after a failure. Default `gradient`.
   */
  readonly algorithm?: 'gradient' | 'aimd' | undefined
  /** Where it begins. Default 20. */
  readonly initialLimit?: number | undefined
  /** It never falls below this. Default 1. */
  readonly minLimit?: number | undefined
  /** It never rises above this. Default 200. */
  readonly maxLimit?: number | undefined
}

/** The rules that {@link AdaptiveLimitOptions} are held to. */
export const ADAPTIVE_LIMIT_RULES: Rules<AdaptiveLimitOptions> = {
  algorithm: oneOf(['gradient', 'aimd']),
  initialLimit: wholeNumber(1),
  minLimit: wholeNumber(1),
  maxLimit: wholeNumber(1),
}

/** What one call shows. */
export interface LimitSample {
  /** How long it took, in milliseconds. */
  readonly durationMs: number
  /** How many were under way when it ended, itself included. */
  readonly inFlight: number
  /** Whether it failed for want of capacity: a timeout, a 503. */
  readonly isDropped: boolean
}

/** A window lasts at least so long, and until it has so many samples. */
const WINDOW_MS = 1_000
const WINDOW_SAMPLES = 20

/** The quiet duration follows a faster one at once and a slower one this slowly: by so much of the difference a window. */
const QUIET_WEIGHT = 0.05

/** How much of a new limit is taken at a time. */
const SMOOTHING = 0.2

/** A service may be so many times slower than when quiet before the limit falls. */
const TOLERANCE = 1.5

/** How many windows the correlation looks at. */
const HISTORY = 20

/** With the limit in use, a throughput that does not follow it is a sign of queueing. */
const FOLLOWS = 0.3

/**
 * Finds out how many calls a service can work on at once. Feed it what calls show; `limit` is its present answer.
 *
 * The gradient is that of Netflix's concurrency-limits (Gradient2): `limit × clamp(0.5, 1, 1.5 × quiet / recent) + √limit`,
 * smoothed. That one drifts upwards under steady overload, since the overload becomes what is usual. Here a guard, after
 * failsafe-go, looks at the last twenty windows: when more calls at once bring no more throughput but longer durations, the
 * limit falls whatever the gradient says.
 *
 * @example
 * const limit = new AdaptiveLimit({ maxLimit: 100 })
 * const bulkhead = new Bulkhead({ maxConcurrent: limit.limit })
 * limit.observe({ durationMs: 35, inFlight: 4, isDropped: false }, clock.now())
 * bulkhead.setMaxConcurrent(limit.limit)
 */
export class AdaptiveLimit {
  readonly #isGradient: boolean
  readonly #least: number = 0
  readonly #most: number = 0
  #limit = 0
  #quietMs = Number.POSITIVE_INFINITY
  #windowBeganAt = Number.NEGATIVE_INFINITY
  #durations: number[] = []
  #inFlightSum = 0
  #dropped = 0
  readonly #windows: { readonly inFlight: number; readonly throughput: number; readonly durationMs: number }[] = []

  /** @throws InvalidOptionError when an option makes no sense */
  constructor(options: AdaptiveLimitOptions = {}) {
    checkOptions('adaptiveLimit', options, ADAPTIVE_LIMIT_RULES)
    const { minLimit = 1, maxLimit = Math.max(minLimit, 200) } = options
    if (minLimit > maxLimit) {
      throw new InvalidOptionError('adaptiveLimit.minLimit', minLimit, `it must be at most maxLimit, ${maxLimit}`)
    }
    this.#isGradient = options.algorithm !== 'aimd'
    this.#least = minLimit
    this.#most = maxLimit
    this.#limit = this.#bounded(options.initialLimit ?? 20)
  }

  /** How many calls at once, a whole number. */
  get limit(): number {
    return Math.floor(this.#limit)
  }

  /** @param now the monotonic time at which the call ended, in milliseconds */
  observe(sample: LimitSample, now: number): void {
    if (!this.#isGradient) return this.#step(sample)
    if (this.#windowBeganAt === Number.NEGATIVE_INFINITY) this.#windowBeganAt = now - sample.durationMs
    this.#durations.push(sample.durationMs)
    this.#inFlightSum += sample.inFlight
    if (sample.isDropped) this.#dropped++
    const elapsedMs = now - this.#windowBeganAt
    if (elapsedMs >= WINDOW_MS && this.#durations.length >= WINDOW_SAMPLES) this.#endWindow(elapsedMs, now)
  }

  /** Additive increase, multiplicative decrease. */
  #step({ inFlight, isDropped }: LimitSample): void {
    if (isDropped) this.#limit = this.#bounded(this.#limit * 0.9)
    else if (inFlight * 2 >= this.#limit) this.#limit = this.#bounded(this.#limit + 1 / this.#limit)
  }

  #endWindow(elapsedMs: number, now: number): void {
    const sorted = this.#durations.sort((a, b) => a - b)
    const recentMs = sorted[Math.floor(sorted.length / 2)] ?? 0
    const inFlight = this.#inFlightSum / sorted.length
    const throughput = (sorted.length - this.#dropped) / elapsedMs
    this.#windows.push({ inFlight, throughput, durationMs: recentMs })
    if (this.#windows.length > HISTORY) this.#windows.shift()
    this.#move(recentMs, inFlight, this.#dropped * 10 > sorted.length)
    this.#windowBeganAt = now
    this.#durations = []
    this.#inFlightSum = 0
    this.#dropped = 0
  }

  #move(recentMs: number, inFlight: number, isDropping: boolean): void {
    this.#quietMs = recentMs < this.#quietMs ? recentMs : this.#quietMs + QUIET_WEIGHT * (recentMs - this.#quietMs)
    if (isDropping || this.#isSaturated()) {
      this.#limit = this.#bounded(this.#limit * 0.9)
      return
    }
    // A limit that is not used says nothing about whether a higher one would do.
    if (inFlight * 2 < this.#limit) return
    const gradient = Math.min(1, Math.max(0.5, (TOLERANCE * this.#quietMs) / recentMs))
    const target = this.#limit * gradient + Math.sqrt(this.#limit)
    this.#limit = this.#bounded(this.#limit + SMOOTHING * (target - this.#limit))
  }

  /** More calls at once have lately brought longer durations and no more throughput. */
  #isSaturated(): boolean {
    const windows = this.#windows
    const newest = windows.at(-1)
    if (windows.length < HISTORY / 2 || newest === undefined || newest.inFlight * 2 < this.#limit) return false
    const inFlight = windows.map((window) => window.inFlight)
    const throughput = correlation(
      inFlight,
      windows.map((window) => window.throughput),
    )
    const duration = correlation(
      inFlight,
      windows.map((window) => window.durationMs),
    )
    return throughput < FOLLOWS && duration > 0.5
  }

  #bounded(limit: number): number {
    return Math.min(this.#most, Math.max(this.#least, limit))
  }
}

/** Pearson's coefficient; 1 for samples that do not vary, which contradict nothing. */
function correlation(a: readonly number[], b: readonly number[]): number {
  const meanA = mean(a)
  const meanB = mean(b)
  let both = 0
  let squaresA = 0
  let squaresB = 0
  for (const [index, value] of a.entries()) {
    const fromA = value - meanA
    const fromB = (b[index] ?? 0) - meanB
    both += fromA * fromB
    squaresA += fromA * fromA
    squaresB += fromB * fromB
  }
  return squaresA === 0 || squaresB === 0 ? 1 : both / Math.sqrt(squaresA * squaresB)
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
