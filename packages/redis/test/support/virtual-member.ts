/** One process with one limiter, on a model of Redis. */
import type { ModelConnection, RedisModel, VirtualClock } from '@holdfast/testing'
import type { RateLimiter, RateLimiterOptions } from 'holdfast'
import { Fleet } from '../../src/fleet.ts'
import { type FleetError, fleetRateLimiter, type WhenUnavailable } from '../../src/index.ts'

export interface VirtualMember {
  readonly fleet: Fleet
  readonly connection: ModelConnection
  readonly limiter: RateLimiter
}

/** Long enough for a bucket to fill: Redis remembers after a second, and then tokens flow. */
export const FULL_MS = 12_000

export function member(
  clock: VirtualClock,
  redis: RedisModel,
  options: RateLimiterOptions & { readonly whenUnavailable?: WhenUnavailable; readonly latencyMs?: number },
  problems: FleetError[] = [],
): VirtualMember {
  const { clock: _, store: __, latencyMs, ...limits } = options
  const connection = redis.connect({ latencyMs })
  const onProblem = (problem: FleetError): void => void problems.push(problem)
  const fleet = new Fleet(connection, { redis: connection, clock, onProblem })
  void fleet.begin()
  return { fleet, connection, limiter: fleetRateLimiter(fleet, 'alpaca', limits) }
}
