import type { ClientPlace } from './client-place.ts'
import type { DecisionRecord } from './decision.ts'
import type { ClientKey } from './key-hash.ts'

/** A limit with nothing left to defaults. */
export interface CompleteLimit {
  /** Which of the limiter's limits it is: `global`, `global/` and the length of its window in milliseconds, or `client`. */
  readonly label: string
  readonly tokensPerSecond: number
  readonly burstSize: number
}

/** Tokens of one limit. Whoever keeps them, asking is synchronous; times are the monotonic clock's milliseconds. */
export interface Bucket {
  /** How many tokens come back each second. */
  readonly tokensPerSecond: number
  /** How many it holds at most. */
  readonly burstSize: number
  /** How many tokens there are. */
  available(now: number): number
  /** How many whole milliseconds until `cost` tokens are there; 0 when they are. Not for a cost above the burst. */
  waitMs(cost: number, now: number): number
  /** Takes tokens that {@link waitMs} has just shown to be there. */
  take(cost: number, now: number): void
  /** Gives back tokens that were taken for nothing; never more than the bucket holds. */
  giveBack(cost: number, now: number): void
  /** About how long until this many tokens have come in, in milliseconds, also for more than the bucket holds. */
  estimateMs(tokens: number, now: number): number
  /** How long until it is full, in milliseconds. */
  fullInMs(now: number): number
  /**
   * For stores that must ask elsewhere before a no is a no: settles when that is done, and never rejects. Undefined when
   * the answer at hand is good.
   */
  asking?(cost: number, now: number): Promise<void> | undefined
}

/** A bucket whose limit can change while it works. */
export interface AdjustableBucket extends Bucket {
  /** Takes tokens if they are there, and as many more as are to be kept. */
  tryTake(cost: number, now: number, kept: number): boolean
  /** Keeps what was saved up as far as the new limit allows it; makes no tokens. */
  setLimit(limit: CompleteLimit, now: number): void
}

/** A bucket for each of many clients. */
export interface ClientBuckets {
  /** How many tokens come back each second to each client. */
  readonly tokensPerSecond: number
  /** How many each client's bucket holds at most. */
  readonly burstSize: number
  /** How many clients have a bucket of their own. */
  readonly size: number
  /** The bucket that a client's calls are taken from: to be used at once, until the next client is looked up. */
  of(client: ClientKey, now: number): Bucket
  /**
   * The same for a client who asks again, only where that is quicker: tokens that are there are taken at once.
   *
   * @param decision written over when they were
   * @returns undefined when they were; otherwise the bucket, still to be asked
   */
  admitAt?(place: ClientPlace, cost: number, now: number, decision: DecisionRecord): Bucket | undefined
}

/**
 * Where a limiter's tokens are kept: in this process unless told otherwise, or in a store that a fleet shares. A store that
 * has to ask elsewhere answers from what it has at hand, asks ahead of need, and calls `wake` when that has changed.
 */
export interface LimiterStore {
  /** The tokens for all clients together. */
  bucket(limit: CompleteLimit, wake: () => void): AdjustableBucket
  /** The tokens of each client. */
  clientBuckets(limit: CompleteLimit, maxClients: number, wake: () => void): ClientBuckets
}
