import type { Clock, FleetSettings } from 'holdfast'
import type { FleetLimitMismatchError } from '../errors.ts'
import type { Shard } from '../redis/shard.ts'
import type { Asker } from './asker.ts'
import type { Heat } from './heat.ts'

/** What happens while Redis is away. */
export type WhenUnavailable = NonNullable<FleetSettings['whenUnavailable']>

/** Counts of what became of leased tokens, for all buckets of a limiter. */
export interface LeaseCounts {
  questions: number
  granted: number
  spent: number
  givenBack: number
  /** Spent on local shares. */
  unleased: number
}

/** Where buckets of one limit are kept: in Redis as `scripts/hashes-lua.ts` tells. */
export interface BucketPlace {
  readonly shard: Shard
  readonly asker: Asker
  readonly hashes: readonly [string, string]
  /** What the key of a bucket's leases begins with. */
  readonly prefix: string
  /** When something was asked that may have left something there; undefined once nothing is left. */
  askedAt: number | undefined
  /** What was told the user because others keep another limit there; undefined once they do not. */
  mismatch: FleetLimitMismatchError | undefined
}

/** What all buckets of one limit have in common. */
export interface BucketSetting {
  /** Name of the limit. */
  readonly name: string
  readonly tokensPerSecond: number
  readonly burstSize: number
  /** How many grains a token has. */
  readonly grains: number
  readonly leaseMs: number
  readonly timeLimitMs: number
  readonly whenUnavailable: WhenUnavailable
  /** How often each client calls: only those who do often have leases. Undefined where tokens are leased from the first call on. */
  readonly heat: Heat | undefined
  readonly clock: Clock
  readonly counts: LeaseCounts
  /** Tells the limiter that there may be tokens now. */
  readonly wake: () => void
  /** Tells the user that something must be put right. */
  readonly problem: (error: FleetLimitMismatchError) => void
}
