/** A pipeline, compiled: what the executor runs by. Options have become plain values, and absent patterns are undefined. */
import { type Clock, type Random, systemRandom } from '../clock.ts'
import { type HookErrorReporter, type Listeners, reportToConsole } from '../events.ts'
import type { FallbackPolicy } from '../fallback/fallback-policy.ts'
import type { Gate } from '../gate/gate.ts'
import type { Priority } from '../gate/priority.ts'
import type { RateLimiter } from '../rate-limiter/rate-limiter.ts'
import type { RetryBudget } from '../retry/retry-budget.ts'
import type { RetryPolicy } from '../retry/retry-policy.ts'
import type { AdaptiveThrottle } from '../throttle/adaptive-throttle.ts'
import type { ResilienceEvent } from './call-event.ts'
import type { DeadlineQueue } from './deadline.ts'
import { type Deadlines, deadlinesOf } from './deadlines.ts'
import type { Guard } from './guard.ts'
import type { Judge } from './judge.ts'
import type { LatencyStatistics } from './latency.ts'
import type { StallLog } from './stall-log.ts'
import { CallStatistics } from './statistics.ts'
import { GRACE_MS } from './time-limit.ts'

/** What the executor needs to run a call. */
export interface Plan<F = never> {
  /** Name of the service. */
  readonly service: string | undefined
  readonly clock: Clock
  /** What time it is, at most 2 ms ago. */
  readonly reading: Pick<Clock, 'now'>
  readonly random: Random
  /** The guards, in the order in which they are asked. Only the gate can let a call wait. */
  readonly circuit: Guard | undefined
  readonly gate: Gate | undefined
  readonly throttle: AdaptiveThrottle | undefined
  readonly judge: Judge
  /** Whether somebody wants to know of results: one may be a failure, earn a retry, or tell of a limit. */
  readonly looksAtResults: boolean
  readonly retry: RetryPolicy | undefined
  /** What pays for retries and hedges. */
  readonly retryBudget: RetryBudget | undefined
  /** Limit of the whole call in milliseconds; Infinity for none. */
  readonly timeoutMs: number
  /** Limit of one attempt in milliseconds; Infinity for none. */
  readonly attemptTimeoutMs: number
  /** All deadlines of the clock, and where those of whole calls and of attempts wait, if there are such limits. */
  readonly deadlines: Deadlines
  readonly totalDeadlines: DeadlineQueue | undefined
  readonly attemptDeadlines: DeadlineQueue | undefined
  readonly graceDeadlines: DeadlineQueue
  readonly stalls: StallLog
  /** Whether the beginning of a call and of its attempts must be known. */
  readonly timed: boolean
  readonly fallback: FallbackPolicy<F> | undefined
  /** The limiter to pause when the service asks for it. */
  readonly limiter: RateLimiter | undefined
  /** The same, if answers are read for what is left of the service's own limit. */
  readonly learner: RateLimiter | undefined
  /** Whether a retry would be refused at that time anyway. */
  readonly wouldRefuseAt: ((time: number, priority: Priority) => boolean) | undefined
  readonly statistics: CallStatistics
  /** Where it is kept how long attempts take, if it is. */
  readonly latency: LatencyStatistics | undefined
  readonly events: Listeners<ResilienceEvent> | undefined
  readonly report: HookErrorReporter
}

/** What differs from plan to plan; all else follows from it. */
export type PlanParts<F> = Pick<Plan<F>, 'service' | 'clock' | 'judge'> &
  Partial<
    Omit<
      Plan<F>,
      | 'looksAtResults'
      | 'deadlines'
      | 'totalDeadlines'
      | 'attemptDeadlines'
      | 'graceDeadlines'
      | 'stalls'
      | 'timed'
      | 'learner'
    >
  >

/** A plan of which only the parts that differ need be named. */
export function makePlan<F = never>(parts: PlanParts<F>): Plan<F> {
  const {
    clock,
    retry,
    circuit,
    timeoutMs = Number.POSITIVE_INFINITY,
    attemptTimeoutMs = Number.POSITIVE_INFINITY,
  } = parts
  const limited = timeoutMs !== Number.POSITIVE_INFINITY || attemptTimeoutMs !== Number.POSITIVE_INFINITY
  const timed = limited || retry?.isTimed === true || circuit?.isTimed === true || parts.latency !== undefined
  const deadlines = deadlinesOf(clock)
  const learner = parts.limiter?.learns ? parts.limiter : undefined
  return {
    service: parts.service,
    clock,
    reading: deadlines.reading,
    random: parts.random ?? systemRandom,
    circuit,
    gate: parts.gate,
    throttle: parts.throttle,
    judge: parts.judge,
    looksAtResults:
      parts.judge.judgesResults ||
      learner !== undefined ||
      parts.retryBudget !== undefined ||
      parts.throttle !== undefined,
    retry,
    retryBudget: parts.retryBudget,
    timeoutMs,
    attemptTimeoutMs,
    deadlines,
    totalDeadlines: timeoutMs === Number.POSITIVE_INFINITY ? undefined : deadlines.listFor(timeoutMs),
    stalls: deadlines.stalls,
    graceDeadlines: deadlines.listFor(GRACE_MS),
    attemptDeadlines: attemptTimeoutMs === Number.POSITIVE_INFINITY ? undefined : deadlines.listFor(attemptTimeoutMs),
    timed,
    fallback: parts.fallback,
    limiter: parts.limiter,
    learner,
    wouldRefuseAt: parts.wouldRefuseAt,
    statistics: parts.statistics ?? new CallStatistics(),
    latency: parts.latency,
    events: parts.events,
    report: parts.report ?? reportToConsole,
  }
}
