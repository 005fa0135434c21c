import type { Clock } from 'holdfast'
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
  /** How long leased tokens are valid, in milliseconds: what a process that dies takes with it. Default 250. */
  readonly leaseMs?: number | undefined
  /** Told what must be put right: limits that differ, a Redis that throws keys away. Default: written to the console. */
  readonly onProblem?: ((problem: FleetError) => void) | undefined
  /** Source of time. Default: the system's. */
  readonly clock?: Clock | undefined
}
