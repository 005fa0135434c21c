/** A pipeline, compiled: what the executor runs by. Options have become plain values, and absent patterns are undefined. */
import { type Clock, type Random, systemRandom } from '../clock.ts'
import { type HookErrorReporter, type Listeners, reportToConsole } from '../events.ts'
import type { FallbackPolicy } from '../fallback/fallback-policy.ts'
import type { RateLimiter } from '../rate-limiter/rate-limiter.ts'
import type { RetryPolicy } from '../retry/retry-policy.ts'
import type { ResilienceEvent } from './call-event.ts'
import type { Guard } from './guard.ts'
import type { Judge } from './judge.ts'
import { CallStatistics } from './statistics.ts'

/** What the executor needs to run a call. */
export interface Plan<F = never> {
  /** Name of the service. */
  readonly service: string | undefined
  readonly clock: Clock
  readonly random: Random
  /** In the order in which they are asked. */
  readonly guards: readonly Guard[]
  readonly judge: Judge
  readonly retry: RetryPolicy | undefined
  /** Limit of the whole call in milliseconds; Infinity for none. */
  readonly timeoutMs: number
  /** Limit of one attempt in milliseconds; Infinity for none. */
  readonly attemptTimeoutMs: number
  readonly fallback: FallbackPolicy<F> | undefined
  /** The limiter to pause when the service asks for it. */
  readonly limiter: RateLimiter | undefined
  /** Whether a retry would be refused at that time anyway. */
  readonly wouldRefuseAt: ((time: number) => boolean) | undefined
  readonly statistics: CallStatistics
  readonly events: Listeners<ResilienceEvent> | undefined
  readonly report: HookErrorReporter
}

/** A plan of which only the parts that differ need be named. */
export function plainPlan<F = never>(
  parts: Pick<Plan<F>, 'service' | 'clock' | 'guards' | 'judge'> & Partial<Plan<F>>,
): Plan<F> {
  return {
    random: systemRandom,
    retry: undefined,
    timeoutMs: Number.POSITIVE_INFINITY,
    attemptTimeoutMs: Number.POSITIVE_INFINITY,
    fallback: undefined,
    limiter: undefined,
    wouldRefuseAt: undefined,
    statistics: new CallStatistics(),
    events: undefined,
    report: reportToConsole,
    ...parts,
  }
}
