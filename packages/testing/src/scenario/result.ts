/** What is measured of one run, and how. */

/** What became of the requests of one route. */
export interface RouteResult {
  readonly offered: number
  /** How many perfect knowledge would have answered in time. */
  readonly feasible: number
  /** Answered in time. */
  readonly good: number
  /** `good` of those that came while the upstream worked ÷ `feasible`; at most 1. */
  readonly goodput: number
  /** Times to the good answers, in milliseconds. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** The same with nothing in the way: 99 % of what these requests take by themselves. */
  readonly calmP99Ms: number
}

/** One second of a run, for charts. */
export interface SecondResult {
  /** Requests that came in it, of routes that depend on the faulty upstream and of those that do not. */
  offered: number
  /** How many of them were answered in time. */
  good: number
  offeredUnaffected: number
  goodUnaffected: number
  /** Attempts that were sent in it. */
  sent: number
}

/** What a subject achieved in a scenario. */
export interface ScenarioResult {
  readonly scenario: string
  readonly subject: string
  readonly seed: number
  readonly routes: Readonly<Record<string, RouteResult>>
  /** Goodput of all affected routes together, and of all unaffected ones; 1 where there are none. */
  readonly goodput: number
  readonly unaffectedGoodput: number
  /** Attempts to affected upstreams ÷ requests of affected routes. */
  readonly amplification: number
  /** (attempts − good answers) ÷ requests, of the same. */
  readonly waste: number
  /** Seconds from the end of the fault until three in a row are at least 90 % good; null when that never came. */
  readonly recoverySeconds: number | null
  /** The most requests that the platform had at once, waiting for a slot or held in one. */
  readonly mostPending: number
  /** The most attempts at once that affected upstreams had from us. */
  readonly mostInFlight: number
  /** Requests that were never answered at all, long after the end. */
  readonly neverSettled: number
  /** Answers of 429, and bans. */
  readonly throttled: number
  readonly bans: number
  /** Orders carried out more than once, and those whose client was told something else than what happened. */
  readonly doubled: number
  readonly unknown: number
  /** What requests failed with, by code, status or name. */
  readonly failures: Readonly<Record<string, number>>
  readonly seconds: readonly SecondResult[]
}

/** A value of a sorted sample; 0 for an empty one. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}

/** How good a second must be to count as recovered, how many of them in a row, and how finely they are looked for. */
const RECOVERED = 0.9
const RECOVERED_SECONDS = 3
const STEP_MS = 100
const STEPS_PER_SECOND = 10

/**
 * How long after the end of the fault it takes until three seconds in a row are at least 90 % good.
 *
 * @returns seconds; null when that never came
 */
export function recoverySeconds(
  requests: readonly { readonly arrivedAt: number; readonly good: boolean }[],
  faultEndsMs: number,
  endMs: number,
): number | null {
  const steps = Array.from({ length: Math.floor((endMs - faultEndsMs) / STEP_MS) }, () => ({ all: 0, good: 0 }))
  for (const { arrivedAt, good } of requests) {
    const step = steps[Math.floor((arrivedAt - faultEndsMs) / STEP_MS)]
    if (step === undefined) continue
    step.all++
    if (good) step.good++
  }
  const isGoodSecond = (from: number): boolean => {
    const second = steps.slice(from, from + STEPS_PER_SECOND)
    const all = second.reduce((sum, step) => sum + step.all, 0)
    return second.reduce((sum, step) => sum + step.good, 0) >= RECOVERED * all
  }
  for (let from = 0; from + RECOVERED_SECONDS * STEPS_PER_SECOND <= steps.length; from++) {
    const seconds = Array.from({ length: RECOVERED_SECONDS }, (_, second) => from + second * STEPS_PER_SECOND)
    if (seconds.every(isGoodSecond)) return (from * STEP_MS) / 1_000
  }
  return null
}
