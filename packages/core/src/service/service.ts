import { Bulkhead, type BulkheadSnapshot } from '../bulkhead/bulkhead.ts'
import { CircuitBreaker } from '../circuit-breaker/circuit-breaker.ts'
import type { CircuitBreakerSnapshot } from '../circuit-breaker/circuit-breaker-options.ts'
import type { Clock, Random } from '../clock.ts'
import type { HookErrorReporter, Listeners, Logger } from '../events.ts'
import type { CallOptions, Guarded } from '../pipeline/call.ts'
import type { ResilienceEvent } from '../pipeline/call-event.ts'
import type { SyncCallOptions, SyncGuarded } from '../pipeline/execute-sync.ts'
import { type LatencySnapshot, LatencyStatistics } from '../pipeline/latency.ts'
import { compile, Pipeline } from '../pipeline/pipeline.ts'
import type { CallTotals } from '../pipeline/statistics.ts'
import { RateLimiter, type RateLimiterSnapshot } from '../rate-limiter/rate-limiter.ts'
import { RetryBudget, type RetryBudgetSnapshot } from '../retry/retry-budget.ts'
import { AdaptiveThrottle, type AdaptiveThrottleSnapshot } from '../throttle/adaptive-throttle.ts'
import type { FleetPatterns } from './fleet.ts'
import type { ServiceOptions } from './service-settings.ts'
import type { Setting } from './setting-origin.ts'

/** A service at one moment, as plain data. A pattern that is left out is null. */
export interface ServiceSnapshot {
  readonly name: string
  readonly profile: string
  readonly circuitBreaker: CircuitBreakerSnapshot | null
  readonly retryBudget: RetryBudgetSnapshot | null
  readonly throttle: AdaptiveThrottleSnapshot | null
  readonly rateLimiter: RateLimiterSnapshot | null
  readonly bulkhead: BulkheadSnapshot | null
  readonly calls: CallTotals
  /** How long the attempts of the last minute took; null when there were none. */
  readonly latency: LatencySnapshot | null
}

/** What all services of a platform share. */
export interface ServiceSurroundings {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger | undefined
  readonly report: HookErrorReporter
  readonly events: Listeners<ResilienceEvent>
  /** Whom services share their limits and circuits with. */
  readonly fleet: FleetPatterns | undefined
}

/**
 * One upstream behind its patterns. Get it from `resilience.service(name)`.
 *
 * @example
 * const alpaca = resilience.service('alpaca')
 * const account = await alpaca.execute(({ signal }) => client.getAccount({ signal }), { operation: 'getAccount', idempotent: true })
 */
export class Service {
  readonly name: string
  /** Name of the profile that its settings started from. */
  readonly profile: string
  /** The values in force, and where each comes from. What is not listed has its pattern's own default. */
  readonly settings: readonly Setting[]
  /** The patterns themselves, for those who must trip, reset or look; undefined when left out. */
  readonly circuitBreaker: CircuitBreaker | undefined
  readonly retryBudget: RetryBudget | undefined
  readonly throttle: AdaptiveThrottle | undefined
  readonly rateLimiter: RateLimiter | undefined
  readonly bulkhead: Bulkhead | undefined
  /** How long its attempts take. */
  readonly latency: LatencyStatistics
  readonly #pipeline: Pipeline

  /** Made by {@link Resilience.service}. @param settings merged and checked @param inForce the same, with their origins */
  constructor(
    name: string,
    settings: ServiceOptions & { readonly profile: string },
    inForce: readonly Setting[],
    around: ServiceSurroundings,
  ) {
    const {
      profile,
      timeoutMs,
      attemptTimeoutMs,
      circuitBreaker,
      retry,
      retryBudget,
      hedge,
      throttle,
      rateLimiter,
      bulkhead,
    } = settings
    const { clock, random, logger, report, events } = around
    const fleet = settings.fleet === false ? undefined : around.fleet
    const shared = settings.fleet || {}
    this.name = name
    this.profile = profile
    this.settings = inForce
    if (circuitBreaker) {
      const maxParked = halfOf(circuitBreaker.parkingMs, bulkhead)
      const options = { maxParked, ...circuitBreaker, clock, random, onHookError: report }
      this.circuitBreaker = fleet?.circuitBreaker(name, options, shared) ?? new CircuitBreaker(name, options)
    }
    if (retryBudget) this.retryBudget = new RetryBudget(retryBudget)
    if (throttle) this.throttle = new AdaptiveThrottle({ ...throttle, clock, random })
    if (rateLimiter) {
      const options = { ...rateLimiter, clock }
      this.rateLimiter = fleet?.rateLimiter(name, options, shared) ?? new RateLimiter(options)
    }
    if (bulkhead) this.bulkhead = new Bulkhead({ ...bulkhead, clock })
    const options = {
      name,
      timeoutMs,
      attemptTimeoutMs,
      retry: retry ? { logger, ...retry } : undefined,
      retryBudget: this.retryBudget,
      hedge: hedge || undefined,
      throttle: this.throttle,
      circuitBreaker: this.circuitBreaker,
      rateLimiter: this.rateLimiter,
      bulkhead: this.bulkhead,
      onHookError: report,
      clock,
      random,
    }
    this.latency = new LatencyStatistics(clock)
    const plan = compile<never>(options, { events, latency: this.latency })
    this.#pipeline = new Pipeline(plan, options.hedge)
    this.circuitBreaker?.onStateChange((change) => {
      // Whoever waits for a slot of a service that is down is told at once, before more slots come free.
      if (change.to === 'OPEN') plan.gate?.recheck()
      if (change.reason === 'probe-succeeded') this.bulkhead?.ramp()
      if (events.any) events.emit({ type: 'circuit', ...change })
    })
  }

  /** Calls the function through the service's patterns. @see Pipeline.execute */
  execute<T>(fn: Guarded<T>, options?: CallOptions): Promise<Awaited<T>> {
    return this.#pipeline.execute(fn, options)
  }

  /** The same for a function that returns a value and no promise: now or not at all. @see Pipeline.executeSync */
  executeSync<T>(fn: SyncGuarded<T>, options?: SyncCallOptions): T {
    return this.#pipeline.executeSync(fn, options)
  }

  /** A function with the same parameters that runs through the service's patterns. */
  wrap<This, Args extends unknown[], T>(
    fn: (this: This, ...args: Args) => T,
    options?: CallOptions,
  ): (this: This, ...args: Args) => Promise<Awaited<T>> {
    return this.#pipeline.wrap(fn, options)
  }

  /** Everything there is to see, as plain data. */
  snapshot(): ServiceSnapshot {
    return {
      name: this.name,
      profile: this.profile,
      circuitBreaker: this.circuitBreaker?.snapshot() ?? null,
      retryBudget: this.retryBudget?.snapshot() ?? null,
      throttle: this.throttle?.snapshot() ?? null,
      rateLimiter: this.rateLimiter?.snapshot() ?? null,
      bulkhead: this.bulkhead?.snapshot() ?? null,
      calls: this.#pipeline.totals,
      latency: this.latency.snapshot(),
    }
  }
}

/** How many callers wait for a probe, where parking is wanted: half as many as may run at once. */
function halfOf(parkingMs: number | undefined, bulkhead: ServiceOptions['bulkhead']): number {
  return parkingMs && bulkhead ? Math.ceil((bulkhead.maxConcurrent ?? 10) / 2) : 0
}
