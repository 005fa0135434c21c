/** Hedging: a second call when the first takes unusually long, and whichever answers first. */
import type { Clock } from '../clock.ts'
import { durationMs, type Rules, share, wholeNumber } from '../options.ts'
import type { CallOptions } from '../pipeline/call.ts'
import { deadlinesOf } from '../pipeline/deadlines.ts'
import type { Judge } from '../pipeline/judge.ts'
import type { Plan } from '../pipeline/plan.ts'
import type { StallLog } from '../pipeline/stall-log.ts'
import type { CallStatistics } from '../pipeline/statistics.ts'
import type { RetryBudget } from '../retry/retry-budget.ts'
import { MovingQuantile } from './moving-quantile.ts'

/** When a call is made a second time while the first is still under way. */
export interface HedgeOptions {
  /** After this share of the recent durations: with 0.95 one call in twenty is hedged. Default 0.95. */
  readonly percentile?: number | undefined
  /** With fewer successes than this nothing is hedged. Default 20. */
  readonly minSamples?: number | undefined
  /** After so many milliseconds instead, whatever the durations are. */
  readonly delayMs?: number | undefined
}

/** The rules that {@link HedgeOptions} are held to. */
export const HEDGE_RULES: Rules<HedgeOptions> = {
  percentile: share,
  minSamples: wholeNumber(1),
  delayMs: durationMs(0),
}

/** Why the slower of two calls is given up. It is no failure of the service. */
function hedgeLost(): DOMException {
  return new DOMException('another call for the same answered first', 'AbortError')
}

/** Makes one call of the pipeline, with a signal that ends it. */
export type Run = (options: CallOptions) => Promise<unknown>

/** A checked hedge. */
export class HedgePolicy {
  readonly #delayMs: number | undefined
  readonly #durations: MovingQuantile
  readonly #budget: RetryBudget
  readonly #clock: Clock
  readonly #statistics: CallStatistics
  readonly #judge: Judge
  readonly #stalls: StallLog

  /** @param options checked already */
  constructor(options: HedgeOptions, budget: RetryBudget, { clock, statistics, judge }: Plan<unknown>) {
    this.#delayMs = options.delayMs
    this.#durations = new MovingQuantile(options.percentile ?? 0.95, options.minSamples ?? 20)
    this.#budget = budget
    this.#clock = clock
    this.#statistics = statistics
    this.#judge = judge
    this.#stalls = deadlinesOf(clock).stalls
  }

  /**
   * Calls, and after the delay calls once more if the budget allows. The first success is the answer and the other call is
   * aborted; when both fail, the first call's outcome is.
   */
  execute(first: Run, second: Run, options: CallOptions): Promise<unknown> {
    const delayMs = this.#delayMs ?? this.#durations.value
    const startedAt = this.#clock.now()
    const isSuccess = (value: unknown): boolean => this.#judge.result(value) === 'success'
    const observed = (value: unknown): unknown => {
      const now = this.#clock.now()
      // What our own stall made long says nothing about the service.
      if (isSuccess(value) && !this.#stalls.distorts(startedAt, now)) this.#durations.add(now - startedAt)
      return value
    }
    if (delayMs === undefined) return first(options).then(observed)
    return new Promise((resolve, reject) => {
      const race = new Race(options, isSuccess, (settle) => {
        timer.cancel()
        settle(resolve, reject)
      })
      const timer = this.#clock.setTimer(() => {
        if (!this.#budget.tryTake(false)) return
        this.#statistics.hedges++
        race.run(second, false)
      }, delayMs)
      race.run((own) => first(own).then(observed), true)
    })
  }
}

type Settle = (resolve: (value: unknown) => void, reject: (reason: unknown) => void) => void

/** Calls for the same thing, of which the first success counts. */
class Race {
  readonly #options: CallOptions
  readonly #end: (settle: Settle) => void
  readonly #controllers = new Set<AbortController>()
  readonly #isSuccess: (value: unknown) => boolean
  /** How the first call failed: the second may have been refused, and so prove less than it. */
  #failureOfFirst: Settle | undefined
  #isOver = false

  constructor(options: CallOptions, isSuccess: (value: unknown) => boolean, end: (settle: Settle) => void) {
    this.#options = options
    this.#isSuccess = isSuccess
    this.#end = end
    options.signal?.addEventListener('abort', this.#giveUp)
  }

  run(call: Run, isFirst: boolean): void {
    const controller = new AbortController()
    this.#controllers.add(controller)
    if (this.#options.signal?.aborted) controller.abort(this.#options.signal.reason)
    call({ ...this.#options, signal: controller.signal }).then(
      (value) => this.#leave(controller, (resolve) => resolve(value), this.#isSuccess(value), isFirst),
      (error: unknown) => this.#leave(controller, (_, reject) => reject(error), false, isFirst),
    )
  }

  /** A failure ends the race when it was the last call under way. */
  #leave(controller: AbortController, settle: Settle, isWon: boolean, isFirst: boolean): void {
    this.#controllers.delete(controller)
    if (isFirst && !isWon) this.#failureOfFirst = settle
    if (this.#isOver || (!isWon && this.#controllers.size > 0)) return
    this.#isOver = true
    this.#options.signal?.removeEventListener('abort', this.#giveUp)
    for (const other of this.#controllers) other.abort(hedgeLost())
    this.#end(isWon ? settle : (this.#failureOfFirst ?? settle))
  }

  readonly #giveUp = (): void => {
    for (const controller of this.#controllers) controller.abort(this.#options.signal?.reason)
  }
}
