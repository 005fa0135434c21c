import { BULKHEAD_RULES, type BulkheadOptions } from '../bulkhead/bulkhead.ts'
import { CIRCUIT_BREAKER_RULES, type CircuitBreakerOptions } from '../circuit-breaker/circuit-breaker-options.ts'
import { InvalidOptionError } from '../errors.ts'
import { HEDGE_RULES, type HedgeOptions } from '../hedge/hedge-policy.ts'
import { check, checkOptions, durationMs, isOptions, nameText, type Rule, type Rules } from '../options.ts'
import { checkRateLimiterOptions, type RateLimiterOptions } from '../rate-limiter/rate-limiter-options.ts'
import { RETRY_BUDGET_RULES, type RetryBudgetOptions } from '../retry/retry-budget.ts'
import { RETRY_RULES, type RetrySettings } from '../retry/retry-options.ts'
import { ADAPTIVE_THROTTLE_RULES, type AdaptiveThrottleOptions } from '../throttle/adaptive-throttle.ts'
import { FLEET_RULES, type FleetSettings } from './fleet.ts'

/** Settings of one pattern within a service; the clock and the reporter are those of the whole. */
type Within<Options> = Omit<Options, 'clock' | 'random' | 'onHookError'>

/** The settings of a service. A pattern that is `false` is left out. */
export interface ServiceSettings {
  /** Limit of the whole call in milliseconds. */
  readonly timeoutMs?: number | undefined
  /** Limit of one attempt in milliseconds. */
  readonly attemptTimeoutMs?: number | undefined
  readonly circuitBreaker?: Within<CircuitBreakerOptions> | false | undefined
  readonly retry?: RetrySettings | false | undefined
  readonly retryBudget?: RetryBudgetOptions | false | undefined
  readonly hedge?: HedgeOptions | false | undefined
  readonly throttle?: Within<AdaptiveThrottleOptions> | false | undefined
  readonly rateLimiter?: Within<RateLimiterOptions> | false | undefined
  readonly bulkhead?: Within<BulkheadOptions> | false | undefined
  /** How limit and circuit are shared, where there is a fleet; false keeps them to this process. */
  readonly fleet?: FleetSettings | false | undefined
}

/** The settings of a named service: a profile, and what differs from it. */
export interface ServiceOptions extends ServiceSettings {
  /** Name of the profile that it starts from. */
  readonly profile?: string | undefined
}

const pattern: Rule = {
  allows: (value) => value === false || isOptions(value),
  says: 'it must be an object of settings, or false to leave the pattern out',
}

/** The rules that {@link ServiceSettings} are held to, as far as the patterns' own fields. */
export const SETTINGS_RULES: Rules<ServiceSettings> = {
  timeoutMs: durationMs(1),
  attemptTimeoutMs: durationMs(1),
  circuitBreaker: pattern,
  retry: pattern,
  retryBudget: pattern,
  hedge: pattern,
  throttle: pattern,
  rateLimiter: pattern,
  bulkhead: pattern,
  fleet: pattern,
}

const SERVICE_RULES: Rules<ServiceOptions> = { profile: nameText, ...SETTINGS_RULES }

const {
  clock: _breakerClock,
  random: _breakerRandom,
  onHookError: _breakerReporter,
  ...WITHIN_CIRCUIT_BREAKER
} = CIRCUIT_BREAKER_RULES
const { clock: _throttleClock, random: _throttleRandom, ...WITHIN_THROTTLE } = ADAPTIVE_THROTTLE_RULES
const { clock: _bulkheadClock, ...WITHIN_BULKHEAD } = BULKHEAD_RULES

/**
 * Checks the settings of a service and of its patterns.
 *
 * @param path what they belong to: `services.alpaca`
 * @throws InvalidOptionError that names the path, the value and the rule
 */
export function checkServiceOptions(path: string, options: ServiceOptions): void {
  checkOptions(path, options, SERVICE_RULES)
  const { circuitBreaker, retry, retryBudget, hedge, throttle, rateLimiter, bulkhead, fleet } = options
  if (circuitBreaker) checkOptions(`${path}.circuitBreaker`, circuitBreaker, WITHIN_CIRCUIT_BREAKER)
  if (retry) checkOptions(`${path}.retry`, retry, RETRY_RULES)
  if (retryBudget) checkOptions(`${path}.retryBudget`, retryBudget, RETRY_BUDGET_RULES)
  if (hedge) checkOptions(`${path}.hedge`, hedge, HEDGE_RULES)
  if (throttle) checkOptions(`${path}.throttle`, throttle, WITHIN_THROTTLE)
  if (bulkhead) checkOptions(`${path}.bulkhead`, bulkhead, WITHIN_BULKHEAD)
  if (fleet) checkOptions(`${path}.fleet`, fleet, FLEET_RULES)
  if (rateLimiter) checkPartialRateLimiter(`${path}.rateLimiter`, rateLimiter)
}

/** Of a limiter's settings only a part may stand in one layer: the rate may come from another. */
function checkPartialRateLimiter(path: string, options: Within<RateLimiterOptions>): void {
  if ('clock' in options)
    throw new InvalidOptionError(`${path}.clock`, options.clock, 'the clock is given to createResilience')
  const { perClient, ...global } = options
  checkRateLimiterOptions(path, { tokensPerSecond: 1, ...global })
  if (perClient !== undefined) {
    check(`${path}.perClient`, perClient, { allows: isOptions, says: 'it must be an object of settings' })
    checkRateLimiterOptions(path, { perClient: { ...perClient, tokensPerSecond: perClient.tokensPerSecond ?? 1 } })
  }
}

/** Settings over settings, field by field and pattern by pattern; lists and functions are replaced whole. */
export function mergeSettings(below: ServiceOptions, above: ServiceOptions): ServiceOptions {
  const merged: Record<string, unknown> = { ...below }
  for (const [field, value] of Object.entries(above)) {
    if (value === undefined) continue
    const base = merged[field]
    merged[field] = isOptions(value) && isOptions(base) ? mergeFields(base, value) : value
  }
  return merged
}

function mergeFields(
  below: Readonly<Record<string, unknown>>,
  above: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...below }
  for (const [field, value] of Object.entries(above)) {
    if (value === undefined) continue
    const base = merged[field]
    merged[field] = field === 'perClient' && isOptions(base) && isOptions(value) ? { ...base, ...value } : value
  }
  return merged
}
