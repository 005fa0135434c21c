import { type FleetSettings, RateLimiter, type RateLimiterOptions } from 'holdfast'
import { check, nameText, oneOf } from 'holdfast/options'
import type { Fleet } from '../fleet.ts'
import { FleetStore } from './fleet-store.ts'

/** Options of a limiter that a fleet shares: those of `RateLimiter`, and what happens while Redis is away. */
export interface FleetRateLimiterOptions
  extends Omit<RateLimiterOptions, 'store' | 'clock'>,
    Pick<FleetSettings, 'whenUnavailable'> {}

/**
 * A `RateLimiter` whose tokens all processes of a fleet share: no window of any length W sees more than
 * `burstSize + tokensPerSecond × W` over all of them. It decides from tokens that it has leased ahead of need, so a call
 * waits for Redis only when there are none.
 *
 * @param name of the limit: the same in every process
 * @throws InvalidOptionError when an option makes no sense
 * @example
 * const limiter = fleetRateLimiter(fleet, 'alpaca', { tokensPerSecond: 200 / 60, burstSize: 10, whenUnavailable: 'deny' })
 * await limiter.acquire()
 */
export function fleetRateLimiter(fleet: Fleet, name: string, options: FleetRateLimiterOptions): RateLimiter {
  const { whenUnavailable = 'local-share', ...limits } = options
  check('fleetRateLimiter.name', name, nameText)
  check('fleetRateLimiter.whenUnavailable', whenUnavailable, oneOf(['local-share', 'deny', 'allow']))
  const store = new FleetStore(fleet, name, whenUnavailable)
  fleet.watch(name, store.counts)
  return new RateLimiter({ ...limits, clock: fleet.clock, store })
}
