/** One limit, one breaker and one semaphore for many processes, on Redis or Valkey. */
export { type FleetCircuitBreakerOptions, fleetCircuitBreaker } from './circuit-breaker/fleet-circuit-breaker.ts'
export {
  FleetError,
  type FleetErrorCode,
  type FleetLimit,
  FleetLimitMismatchError,
  FleetSlotLostError,
  FleetUnavailableError,
  FleetUnsafeRedisError,
} from './errors.ts'
export { connectFleet, type Fleet, type FleetMember, type FleetSnapshot } from './fleet.ts'
export type { FleetOptions } from './fleet-options.ts'
export type { LeaseCounts, WhenUnavailable } from './rate-limiter/bucket.ts'
export { type FleetRateLimiterOptions, fleetRateLimiter } from './rate-limiter/fleet-rate-limiter.ts'
export type { RedisPort } from './redis/port.ts'
export type { RedisSource } from './redis/port-of.ts'
export type { Script } from './scripts/script.ts'
export {
  type FleetSemaphore,
  type FleetSemaphoreOptions,
  type FleetSemaphoreSnapshot,
  type FleetSlot,
  fleetSemaphore,
  type SlotOptions,
} from './semaphore/fleet-semaphore.ts'
