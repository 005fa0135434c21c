/** A limit as the scripts are told of it. */
import type { FleetLimit } from '../errors.ts'
import type { BucketSetting } from './bucket.ts'

/** Its rate; negative says that it is shared out without Redis. */
export function rateWord({ tokensPerSecond, whenUnavailable }: BucketSetting): string {
  return String(whenUnavailable === 'local-share' ? -tokensPerSecond : tokensPerSecond)
}

/** The limit with which others use a bucket. */
export function limitOf(rate: number, burstSize: number): FleetLimit {
  return { tokensPerSecond: Math.abs(rate), burstSize, isShared: rate < 0 }
}
