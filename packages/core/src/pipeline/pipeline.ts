/** What a user composes: the patterns of one service, fused into one loop. */
import type { Bulkhead } from '../bulkhead/bulkhead.ts'
import type { CircuitBreaker } from '../circuit-breaker/circuit-breaker.ts'
import { type Clock, type Random, systemClock, systemRandom } from '../clock.ts'
import { type HookErrorReporter, type Listeners, reportToConsole } from '../events.ts'
import { FALLBACK_RULES, type FallbackOptions, FallbackPolicy } from '../fallback/fallback-policy.ts'
import { Gate } from '../gate/gate.ts'
import { HEDGE_RULES, type HedgeOptions } from '../hedge/hedge-policy.ts'
import { HedgedExecutor } from '../hedge/hedged-executor.ts'
import {
  callback,
  check,
  checkOptions,
  clockRule,
  durationMs,
  instance,
  isOptions,
  nameText,
  type Rules,
} from '../options.ts'
import type { RateLimiter } from '../rate-limiter/rate-limiter.ts'
import type { RetryBudget } from '../retry/retry-budget.ts'
import { RETRY_RULES, type RetrySettings } from '../retry/retry-options.ts'
import { RetryPolicy } from '../retry/retry-policy.ts'
import type { AdaptiveThrottle } from '../throttle/adaptive-throttle.ts'
import type { CallOptions, Guarded } from './call.ts'
import type { ResilienceEvent } from './call-event.ts'
import { executeSync, type SyncCallOptions, type SyncGuarded } from './execute-sync.ts'
import { Executor } from './executor.ts'
import { Judge } from './judge.ts'
import type { LatencyStatistics } from './latency.ts'
import { makePlan, type Plan } from './plan.ts'
import { CallStatistics, type CallTotals } from './statistics.ts'

/** The patterns of a pipeline. What is left out is not done and costs nothing. */
export interface PipelineOptions<F = never> {
  /** Name of the service, for errors, logs and events. Default: that of the circuit breaker. */
  readonly name?: string | undefined
  /** Limit of the whole call, waiting and retries included, in milliseconds. */
  readonly timeoutMs?: number | undefined
  /** Limit of one attempt, in milliseconds. */
  readonly attemptTimeoutMs?: number | undefined
  readonly retry?: RetrySettings | undefined
  /** What pays for retries: share it among all pipelines that call the same service. Default: nothing bounds them together. */
  readonly retryBudget?: RetryBudget | undefined
  /** Calls idempotent calls a second time when the first takes unusually long. Default: never. */
  readonly hedge?: HedgeOptions | undefined
  readonly throttle?: AdaptiveThrottle | undefined
  readonly circuitBreaker?: CircuitBreaker | undefined
  readonly rateLimiter?: RateLimiter | undefined
  readonly bulkhead?: Bulkhead | undefined
  readonly fallback?: FallbackOptions<F> | undefined
  /** Told when a hook, predicate or logger throws. Default: written to the console. */
  readonly onHookError?: HookErrorReporter | undefined
  /** Source of time. Default: the system's. */
  readonly clock?: Clock | undefined
  /** Source of randomness. Default: the system's. */
  readonly random?: Random | undefined
}

/** The rules that {@link PipelineOptions} are held to. */
export const PIPELINE_RULES: Rules<PipelineOptions<unknown>> = {
  name: nameText,
  timeoutMs: durationMs(1),
  attemptTimeoutMs: durationMs(1),
  retry: { allows: isOptions, says: 'it must be an object of retry settings' },
  retryBudget: instance('a RetryBudget', 'earn', 'tryTake'),
  hedge: { allows: isOptions, says: 'it must be an object of hedge settings' },
  throttle: instance('an AdaptiveThrottle', 'accepted'),
  circuitBreaker: instance('a CircuitBreaker, made with new CircuitBreaker(name, options)', 'tryEnter'),
  rateLimiter: instance('a RateLimiter, made with new RateLimiter(options)', 'tryAcquire'),
  bulkhead: instance('a Bulkhead, made with new Bulkhead(options)', 'tryEnter'),
  fallback: { allows: isOptions, says: 'it must be an object with use' },
  onHookError: callback,
  clock: clockRule,
  random: callback,
}

/**
 * Several patterns round one call. Whatever the order in which they are written, they are applied in this one, outermost
 * first: fallback, hedge, total timeout, retry, throttle, circuit breaker, gate (rate limiter and bulkhead), attempt timeout, the function.
 * So a retry asks the breaker and takes a token again, an open circuit costs neither slot nor token, and the breaker
 * judges one attempt. For another order run one pipeline inside another.
 */
export class Pipeline<F = never> {
  readonly #executor: Pick<Executor<F>, 'execute' | 'plan'>

  /** Made by {@link pipeline}. */
  constructor(plan: Plan<F>, hedge?: HedgeOptions) {
    this.#executor = hedge === undefined ? new Executor(plan) : new HedgedExecutor(plan, hedge)
  }

  /**
   * Calls the function through all patterns.
   *
   * @throws what the function throws; CircuitOpenError, RateLimitedError or BulkheadFullError when it was not called;
   *   TimeoutError; RetriesExhaustedError when all attempts failed; the signal's reason when the caller gave up
   */
  execute<T>(fn: Guarded<T>, options?: CallOptions): Promise<Awaited<T> | F> {
    return this.#executor.execute(fn, options)
  }

  /**
   * The same for a function that returns a value and no promise: now or not at all. It waits neither for a slot nor for
   * tokens nor to try again, and no time limit can interrupt it.
   *
   * @throws CircuitOpenError, RateLimitedError or BulkheadFullError when it was not called; what the function throws; TypeError when it returns a promise
   */
  executeSync<T>(fn: SyncGuarded<T>, options?: SyncCallOptions): T | F {
    return executeSync(this.#executor.plan, fn, options)
  }

  /** A function with the same parameters that runs through all patterns; `this` is passed on. */
  wrap<This, Args extends unknown[], T>(
    fn: (this: This, ...args: Args) => T,
    options?: CallOptions,
  ): (this: This, ...args: Args) => Promise<Awaited<T> | F> {
    const executor = this.#executor
    const named: CallOptions = { operation: fn.name === '' ? undefined : fn.name, ...options }
    return function (this: This, ...args: Args): Promise<Awaited<T> | F> {
      return executor.execute(() => fn.apply(this, args), named)
    }
  }

  /** What became of the calls so far. */
  get totals(): CallTotals {
    return this.#executor.plan.statistics.snapshot()
  }
}

/**
 * Composes patterns into one pipeline.
 *
 * @throws InvalidOptionError when an option makes no sense
 * @example
 * const broker = pipeline({ timeoutMs: 10_000, retry: { maxRetries: 2 }, circuitBreaker, bulkhead, attemptTimeoutMs: 2_000 })
 * const account = await broker.execute(({ signal }) => client.getAccount({ signal }), { idempotent: true })
 */
export function pipeline<F = never>(options: PipelineOptions<F>): Pipeline<F> {
  return new Pipeline(compile(options), options.hedge)
}

/** What a service's pipeline does besides. */
export interface Observers {
  /** Told what happens, if anybody listens. */
  readonly events?: Listeners<ResilienceEvent> | undefined
  readonly latency?: LatencyStatistics | undefined
}

/** Checks the options and makes them a plan. */
export function compile<F>(options: PipelineOptions<F>, { events, latency }: Observers = {}): Plan<F> {
  checkOptions('pipeline', options, PIPELINE_RULES)
  if (options.retry !== undefined) checkOptions('pipeline.retry', options.retry, RETRY_RULES)
  if (options.hedge !== undefined) checkOptions('pipeline.hedge', options.hedge, HEDGE_RULES)
  if (options.fallback !== undefined) {
    checkOptions<FallbackOptions<unknown>>('pipeline.fallback', options.fallback, FALLBACK_RULES)
    check('pipeline.fallback.use', options.fallback.use, callback)
  }
  const { circuitBreaker, rateLimiter, bulkhead, retry, fallback } = options
  const clock = options.clock ?? systemClock
  const random = options.random ?? systemRandom
  const report = options.onHookError ?? reportToConsole
  return makePlan<F>({
    service: options.name ?? circuitBreaker?.name,
    clock,
    random,
    throttle: options.throttle,
    circuit: circuitBreaker,
    gate: gateOf(rateLimiter, bulkhead, clock),
    judge: circuitBreaker?.judge ?? new Judge({ clock, report }),
    retryBudget: options.retryBudget,
    retry: retry === undefined ? undefined : new RetryPolicy(retry, random, report),
    timeoutMs: options.timeoutMs ?? Number.POSITIVE_INFINITY,
    attemptTimeoutMs: options.attemptTimeoutMs ?? Number.POSITIVE_INFINITY,
    fallback: fallback === undefined ? undefined : new FallbackPolicy(fallback, report),
    limiter: rateLimiter,
    wouldRefuseAt:
      circuitBreaker === undefined ? undefined : (time, priority) => circuitBreaker.wouldRefuseAt(time, priority),
    statistics: new CallStatistics(),
    events,
    latency,
    report,
  })
}

/** A limiter and a bulkhead that are used together wait in one queue; each alone has its own. */
function gateOf(rateLimiter: RateLimiter | undefined, bulkhead: Bulkhead | undefined, clock: Clock): Gate | undefined {
  if (bulkhead === undefined) return rateLimiter?.gate
  if (rateLimiter === undefined) return bulkhead.gate
  return new Gate({
    limiter: rateLimiter,
    bulkhead,
    maxQueue: bulkhead.maxQueue,
    maxWaitMs: bulkhead.acquireTimeoutMs,
    clock,
  })
}
