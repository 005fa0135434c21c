import { type Clock, InvalidOptionError } from 'holdfast'
import { callback, check, checkOptions, clockRule, durationMs, nameText, type Rule, type Rules } from 'holdfast/options'
import type { FleetError } from './errors.ts'
import type { RedisSource } from './redis/port-of.ts'

/** Options of a fleet. */
export interface FleetOptions {
  /** Where Redis is: an address such as `redis://127.0.0.1:6379`, or a client of ioredis or node-redis. */
  readonly redis: RedisSource
  /** What all keys begin with. Fleets with different prefixes know nothing of each other. Default `holdfast`. */
  readonly keyPrefix?: string | undefined
  /** Name of this process, different from that of every other. Default: drawn. */
  readonly processId?: string | undefined
  /** How long a question may take, in milliseconds. Default 50. */
  readonly timeLimitMs?: number | undefined
  /**
   * How long leased tokens are valid, in milliseconds: what a process that dies takes with it. At most ten times
   * `timeLimitMs`. Default 250.
   */
  readonly leaseMs?: number | undefined
  /** Told what must be put right: limits that differ, a Redis that throws keys away. Default: written to the console. */
  readonly onProblem?: ((problem: FleetError) => void) | undefined
  /** Source of time. Default: the system's. */
  readonly clock?: Clock | undefined
}

export const DEFAULT_TIME_LIMIT_MS = 50
export const DEFAULT_LEASE_MS = 250

/** How many time limits a lease may last: what is out must be back before shares begin. */
const LONGEST_LEASE = 10

const keyPart: Rule = {
  allows: (value) => typeof value === 'string' && /^[^{}]{1,200}$/.test(value),
  says: 'it must be a text of 1 to 200 characters without braces, which mark the slot of a Cluster',
}

const redisSource: Rule = {
  allows: (value) =>
    typeof value === 'object' ? value !== null : typeof value === 'string' && /^rediss?:\/\//.test(value),
  says: 'it must be an address such as redis://127.0.0.1:6379, or a client of ioredis or node-redis',
}

const FLEET_OPTION_RULES: Rules<FleetOptions> = {
  redis: redisSource,
  keyPrefix: keyPart,
  processId: nameText,
  timeLimitMs: durationMs(1),
  leaseMs: durationMs(1),
  onProblem: callback,
  clock: clockRule,
}

/** @throws InvalidOptionError when an option makes no sense */
export function checkFleetOptions(options: FleetOptions): void {
  checkOptions('fleet', options, FLEET_OPTION_RULES)
  check('fleet.redis', options.redis, redisSource)
  const { timeLimitMs = DEFAULT_TIME_LIMIT_MS, leaseMs = DEFAULT_LEASE_MS } = options
  if (leaseMs > LONGEST_LEASE * timeLimitMs) {
    throw new InvalidOptionError(
      'fleet.leaseMs',
      leaseMs,
      `it must be at most ${LONGEST_LEASE} times timeLimitMs (${timeLimitMs})`,
    )
  }
}
