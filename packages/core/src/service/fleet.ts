/** What services need of a fleet: `@holdfast/redis` has one on Redis. */
import type { CircuitBreaker } from '../circuit-breaker/circuit-breaker.ts'
import type { CircuitBreakerOptions } from '../circuit-breaker/circuit-breaker-options.ts'
import { oneOf, type Rules, wholeNumber } from '../options.ts'
import type { RateLimiter } from '../rate-limiter/rate-limiter.ts'
import type { RateLimiterOptions } from '../rate-limiter/rate-limiter-options.ts'

/** How a service shares its limit and its circuit with the same service in other processes. */
export interface FleetSettings {
  /**
   * What the limit is while the fleet's store is away: `local-share`, each process its part of it; `deny`, nothing, for
   * limits whose breach bans the account; `allow`, everything, for limits that only protect ourselves. Default `local-share`.
   */
  readonly whenUnavailable?: 'local-share' | 'deny' | 'allow' | undefined
  /** How many processes must find the service failing before the circuit of all opens. Default 2, or all if there are fewer. */
  readonly quorum?: number | undefined
}

/** The rules that {@link FleetSettings} are held to. */
export const FLEET_RULES: Rules<FleetSettings> = {
  whenUnavailable: oneOf(['local-share', 'deny', 'allow']),
  quorum: wholeNumber(1),
}

/** Makes the patterns of a service so that all processes of a fleet share them. */
export interface FleetPatterns {
  rateLimiter(name: string, options: RateLimiterOptions, settings?: FleetSettings): RateLimiter
  circuitBreaker(name: string, options: CircuitBreakerOptions, settings?: FleetSettings): CircuitBreaker
}
