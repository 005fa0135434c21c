import type { Clock } from '../clock.ts'
import type { LimiterStore } from './bucket.ts'
import { KeyedBuckets } from './keyed-buckets.ts'
import { TokenBucket } from './token-bucket.ts'
import { TokenClock } from './token-clock.ts'

/** Keeps a limiter's tokens in this process. */
export function localStore(clock: Clock): LimiterStore {
  return {
    bucket: (limit) => new TokenBucket(new TokenClock(limit, clock.now())),
    clientBuckets: (limit, maxClients) => new KeyedBuckets(new TokenClock(limit, clock.now()), maxClients),
  }
}
