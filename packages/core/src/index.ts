/** Holdfast's toolkit: everything a user may import. */

export { AdaptiveLimit, type AdaptiveLimitOptions, type LimitSample } from './bulkhead/adaptive-limit.ts'
export { Bulkhead, type BulkheadOptions, type BulkheadPermit, type BulkheadSnapshot } from './bulkhead/bulkhead.ts'
export { CircuitBreaker } from './circuit-breaker/circuit-breaker.ts'
export type {
  CircuitBreakerOptions,
  CircuitBreakerSnapshot,
  CircuitChange,
  CircuitChangeReason,
  CircuitMode,
  CircuitState,
  FleetChangeReason,
  ProbeCall,
} from './circuit-breaker/circuit-breaker-options.ts'
export type { CircuitPermit } from './circuit-breaker/circuit-permit.ts'
export { CircuitBreakerRegistry } from './circuit-breaker/registry.ts'
export { type Clock, type Random, systemClock, systemRandom, type Timer } from './clock.ts'
export type { AsyncDecorator, DecoratorContext, DecoratorFor, SyncDecorator } from './decorate.ts'
export { bulkhead, circuitBreaker, circuitBreakers, rateLimited, retryWithBackoff } from './decorators.ts'
export {
  type AttemptRecord,
  BulkheadFullError,
  CircuitOpenError,
  DeadlineTooShortError,
  type ErrorContext,
  type Figures,
  HoldfastError,
  type HoldfastErrorCode,
  InvalidOptionError,
  isRejection,
  RateLimitedError,
  RefusalError,
  RetriesExhaustedError,
  type RetryStopReason,
  ThrottledError,
  TimeoutError,
} from './errors.ts'
export { type HookErrorReporter, Listeners, type Logger, reportToConsole, type Unsubscribe } from './events.ts'
export { type Decider, type Explanation, explainRejection } from './explain.ts'
export { briefFailure, describeFailure, type FailureFacts, type FailureKind, type Verdict } from './failures.ts'
export { fallback } from './fallback/fallback.ts'
export type { FallbackOptions } from './fallback/fallback-policy.ts'
export { type AgedValue, LastGood, type LastGoodOptions } from './fallback/last-good.ts'
export type { Priority } from './gate/priority.ts'
export { parseRetryAfter } from './headers.ts'
export { hedge } from './hedge/hedge.ts'
export type { HedgeOptions } from './hedge/hedge-policy.ts'
export type { Call, CallOptions, Guarded } from './pipeline/call.ts'
export type { CircuitEvent, RefusedEvent, ResilienceEvent, RetryEvent, TimeoutEvent } from './pipeline/call-event.ts'
export type { SyncCall, SyncCallOptions, SyncGuarded } from './pipeline/execute-sync.ts'
export type { LatencySnapshot, LatencyStatistics } from './pipeline/latency.ts'
export { type Pipeline, type PipelineOptions, pipeline } from './pipeline/pipeline.ts'
export type { StallSnapshot } from './pipeline/stall-log.ts'
export type { CallTotals } from './pipeline/statistics.ts'
export type { AdjustableBucket, Bucket, ClientBuckets, CompleteLimit, LimiterStore } from './rate-limiter/bucket.ts'
export { ClientPlace } from './rate-limiter/client-place.ts'
export { type DecisionRecord, newDecision, type RateLimitDecision } from './rate-limiter/decision.ts'
export type { ClientKey } from './rate-limiter/key-hash.ts'
export type { Quota } from './rate-limiter/learned-quota.ts'
export { RateLimiter, type RateLimiterSnapshot } from './rate-limiter/rate-limiter.ts'
export type { RateLimit, RateLimiterOptions, WindowLimit } from './rate-limiter/rate-limiter-options.ts'
export type { AcquireOptions, TakeOptions } from './rate-limiter/take-options.ts'
export type { Jitter } from './retry/backoff.ts'
export { retry } from './retry/retry.ts'
export { RetryBudget, type RetryBudgetOptions, type RetryBudgetSnapshot } from './retry/retry-budget.ts'
export type { ErrorClass, RetryNotice, RetryOn, RetryOptions, RetrySettings } from './retry/retry-options.ts'
export { retrySync } from './retry/retry-sync.ts'
export type { FleetPatterns, FleetSettings } from './service/fleet.ts'
export { PROFILES, type ProfileName } from './service/profiles.ts'
export {
  createResilience,
  type Resilience,
  type ResilienceOptions,
  type ResilienceSnapshot,
} from './service/resilience.ts'
export type { Service, ServiceSnapshot } from './service/service.ts'
export type { ServiceOptions, ServiceSettings } from './service/service-settings.ts'
export type { Setting, SettingOrigin } from './service/setting-origin.ts'
export { SingleFlight, type SingleFlightOptions } from './single-flight/single-flight.ts'
export {
  AdaptiveThrottle,
  type AdaptiveThrottleOptions,
  type AdaptiveThrottleSnapshot,
} from './throttle/adaptive-throttle.ts'
export { type TimeoutOptions, timeout } from './timeout/timeout.ts'
