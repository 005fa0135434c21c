/** When the share of failures, or of slow calls, among the last calls is too large. */
import { InvalidOptionError } from '../errors.ts'
import type { CircuitMarks } from '../pipeline/guard.ts'
import type { CircuitBreakerOptions, CircuitChangeReason } from './circuit-breaker-options.ts'
import { CallWindow, type OutcomeWindow, TimeWindow } from './outcome-window.ts'

/** A rate that is too high. */
export type RateReason = Extract<CircuitChangeReason, 'failure-rate' | 'slow-call-rate'>

/** The part of a call that is looked at. */
type MeasuredCall = Pick<CircuitMarks, 'now' | 'durationMs'>

/** The rules that look at a window. */
export class RateRules {
  readonly #window: OutcomeWindow
  /** From which duration on a call is slow, in milliseconds; Infinity when none is. */
  readonly #slowCallMs: number = 0
  /** Whether the window is one of time. */
  readonly #isTimed: boolean
  readonly #looksAtSlowCalls: boolean
  readonly #minimumCalls: number = 0
  readonly #failureRate: number = 0
  readonly #slowCallRate: number = 0

  /** @throws InvalidOptionError when options do not go together @returns undefined when no option asks for a rate */
  static of(options: CircuitBreakerOptions): RateRules | undefined {
    const { failureRate, slowCallMs, slowCallRate, windowCalls, windowMs, minimumCalls } = options
    if (slowCallRate !== undefined && slowCallMs === undefined) {
      throw invalid('slowCallRate', slowCallRate, 'it needs slowCallMs, which says what is slow')
    }
    if (windowCalls !== undefined && windowMs !== undefined) {
      throw invalid('windowMs', windowMs, 'a window has windowCalls or windowMs, not both')
    }
    if (minimumCalls !== undefined && windowMs === undefined && minimumCalls > (windowCalls ?? DEFAULT_CALLS)) {
      throw invalid('minimumCalls', minimumCalls, 'it must be at most windowCalls, or no rate would ever be looked at')
    }
    return failureRate === undefined && slowCallMs === undefined ? undefined : new RateRules(options)
  }

  private constructor(options: CircuitBreakerOptions) {
    const { failureRate, slowCallMs, slowCallRate = 0.5, windowCalls = DEFAULT_CALLS, windowMs, minimumCalls } = options
    this.#window = windowMs === undefined ? new CallWindow(windowCalls) : new TimeWindow(windowMs)
    this.#slowCallMs = slowCallMs ?? Number.POSITIVE_INFINITY
    this.#looksAtSlowCalls = slowCallMs !== undefined
    this.#isTimed = windowMs !== undefined
    this.#minimumCalls =
      minimumCalls ?? (windowMs === undefined ? Math.min(DEFAULT_MINIMUM, windowCalls) : DEFAULT_MINIMUM)
    this.#failureRate = failureRate ?? Number.POSITIVE_INFINITY
    this.#slowCallRate = slowCallMs === undefined ? Number.POSITIVE_INFINITY : slowCallRate
  }

  /** Adds a call that has ended now. @returns which rate is too high, if one is */
  record(call: MeasuredCall, failed: boolean): RateReason | undefined {
    const window = this.#window
    window.record(failed, this.isSlow(call), this.#isTimed ? call.now() : 0)
    return window.failures === 0 && window.slow === 0 ? undefined : this.#broken()
  }

  #broken(): RateReason | undefined {
    const { calls, failures, slow } = this.#window
    if (calls < this.#minimumCalls) return undefined
    if (failures >= this.#failureRate * calls) return 'failure-rate'
    return slow >= this.#slowCallRate * calls ? 'slow-call-rate' : undefined
  }

  isSlow(call: MeasuredCall): boolean {
    return this.#looksAtSlowCalls && call.durationMs() >= this.#slowCallMs
  }

  clear(): void {
    this.#window.clear()
  }

  snapshot(now: number): { readonly calls: number; readonly failures: number; readonly slow: number } {
    this.#window.advance(now)
    const { calls, failures, slow } = this.#window
    return { calls, failures, slow }
  }

  /** A slow probe in words: what follows "circuit is open: ". */
  get slowProbe(): string {
    return `a probe took ${this.#slowCallMs} ms or longer`
  }

  /** The present rates in words: what follows "circuit is open: ". */
  describe(reason: RateReason): string {
    const { calls, failures, slow } = this.#window
    if (reason === 'failure-rate') return `${failures} of the last ${calls} calls failed`
    return `${slow} of the last ${calls} calls took ${this.#slowCallMs} ms or longer`
  }
}

const DEFAULT_CALLS = 100
const DEFAULT_MINIMUM = 20

function invalid(field: string, value: unknown, rule: string): InvalidOptionError {
  return new InvalidOptionError(`circuitBreaker.${field}`, value, rule)
}
