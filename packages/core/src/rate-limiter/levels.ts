import type { Clock } from '../clock.ts'
import type { AdjustableBucket, Bucket, ClientBuckets, CompleteLimit, LimiterStore } from './bucket.ts'
import type { DecisionRecord } from './decision.ts'
import type { ClientKey } from './key-hash.ts'
import { LearnedQuota } from './learned-quota.ts'
import { bucketOf, bucketOfWindow, type RateLimiterOptions } from './rate-limiter-options.ts'
import { TokenBucket } from './token-bucket.ts'
import { TokenClock } from './token-clock.ts'

/** Who calls when nobody says who. */
export const ANONYMOUS = ''

/** There is no pause. */
const NEVER = Number.NEGATIVE_INFINITY

/** One limit for all clients together. */
interface Level {
  readonly bucket: AdjustableBucket
  /** How many of its tokens only critical calls may have. */
  reserve: number
  /** Whether it spaces calls: each is let through when it is full. */
  readonly spaces: boolean
}

/**
 * All limits of a limiter, which a call passes together or not at all: the windows for all clients, the client's own
 * bucket, what the service has said is left, and the pause that it asked for.
 */
export class Levels {
  readonly learned: LearnedQuota = new LearnedQuota()
  /** Whether only whole tokens can be taken: what a window counts is calls. */
  readonly countsWhole: boolean
  readonly #all: readonly Level[]
  /** The limit that is the only one: of such a limiter nothing else need be asked. */
  readonly #only: Level | undefined
  readonly #clients: ClientBuckets | undefined
  readonly #criticalShare: number = 0
  readonly #clientReserve: number = 0
  #pausedUntil = NEVER
  /** The bucket of the client that was looked up last. */
  #own: Bucket | undefined

  constructor(options: RateLimiterOptions, store: LimiterStore, clock: Clock, wake: () => void) {
    const { tokensPerSecond, burstSize, windows = [], perClient, maxClients = 100_000, criticalShare = 0 } = options
    const limits = windows.map(bucketOfWindow)
    if (tokensPerSecond !== undefined) limits.unshift(bucketOf('global', { tokensPerSecond, burstSize }))
    const all: Level[] = limits.map((limit) => ({
      bucket: store.bucket(limit, wake),
      reserve: reserveOf(limit, criticalShare),
      spaces: false,
    }))
    if (options.smooth) {
      all.push({ bucket: new TokenBucket(new TokenClock(spacingOf(limits), clock.now())), reserve: 0, spaces: true })
    }
    const own = perClient === undefined ? undefined : bucketOf('client', perClient)
    const [first] = all
    this.#all = all
    this.#only = all.length === 1 && perClient === undefined ? first : undefined
    this.#clients = own === undefined ? undefined : store.clientBuckets(own, maxClients, wake)
    this.#clientReserve = own === undefined ? 0 : reserveOf(own, criticalShare)
    this.#criticalShare = criticalShare
    this.countsWhole = windows.length > 0
  }

  /** The clients' buckets, if a call has nothing else to pass, and nobody has a share that others cannot have. */
  get clientsAlone(): ClientBuckets | undefined {
    const isNarrowed = this.#pausedUntil !== NEVER || this.learned.isKnown
    return this.#all.length > 0 || this.#clientReserve > 0 || isNarrowed ? undefined : this.#clients
  }

  /** Whether clients have buckets of their own. */
  get isPerClient(): boolean {
    return this.#clients !== undefined
  }

  /** How many clients have one. */
  get clients(): number {
    return this.#clients?.size ?? 0
  }

  /** The first of the limits for all. */
  get first(): Bucket | undefined {
    return this.#all[0]?.bucket
  }

  /** Changes the first of the limits for all. */
  setFirst(limit: CompleteLimit, now: number): void {
    const [first] = this.#all
    if (first === undefined) return
    first.bucket.setLimit(limit, now)
    first.reserve = reserveOf(limit, this.#criticalShare)
    const limits = this.#all.filter(({ spaces }) => !spaces).map(({ bucket }) => bucket)
    for (const { bucket, spaces } of this.#all) if (spaces) bucket.setLimit(spacingOf(limits), now)
  }

  /** Whole tokens left in the limit for all that has least. */
  remaining(now: number): number {
    const left = this.#all.filter(({ spaces }) => !spaces).map(({ bucket }) => Math.floor(bucket.available(now)))
    return Math.max(0, Math.min(...left))
  }

  /** All who must be asked before there are no tokens. */
  asking(client: ClientKey | undefined, cost: number, critical: boolean, now: number): Promise<void> | undefined {
    const ownCost = critical ? cost : cost + this.#clientReserve
    let asking = this.#clients?.of(client ?? ANONYMOUS, now).asking?.(ownCost, now)
    for (const { bucket, reserve } of this.#all) {
      const one = bucket.asking?.(critical ? cost : cost + reserve, now)
      asking = asking === undefined || one === undefined ? (asking ?? one) : both(asking, one)
    }
    return asking
  }

  /** The most that a call can cost. */
  highestCost(critical: boolean): number {
    let most = Number.POSITIVE_INFINITY
    for (const { bucket, reserve, spaces } of this.#all) {
      if (!spaces) most = Math.min(most, bucket.burstSize - (critical ? 0 : reserve))
    }
    const own = this.#clients
    return own === undefined ? most : Math.min(most, own.burstSize - (critical ? 0 : this.#clientReserve))
  }

  /** How long until the tokens for all are there, in milliseconds; 0 when they are. */
  globalWaitMs(cost: number, critical: boolean, now: number): number {
    if (this.#pausedUntil !== NEVER) {
      if (now < this.#pausedUntil) return Math.ceil(this.#pausedUntil - now)
      this.#endPause(now)
    }
    let wait = this.learned.waitMs(cost, now)
    for (const { bucket, reserve, spaces } of this.#all) {
      const own = bucket.waitMs(spaces ? bucket.burstSize : critical ? cost : cost + reserve, now)
      if (own > wait) wait = own
    }
    return wait
  }

  /** Looks up a client's bucket, for {@link describe}. */
  look(client: ClientKey | undefined, now: number): void {
    this.#own = this.#clients?.of(client ?? ANONYMOUS, now)
  }

  /**
   * Takes the tokens from all limits or from none.
   *
   * @returns 0 when they were taken; how long the tokens for all are waited for, in milliseconds; or, below 0, how long
   *   the client's own are
   */
  tryTake(client: ClientKey | undefined, cost: number, critical: boolean, now: number): number {
    const only = this.#only
    if (only !== undefined && this.#pausedUntil === NEVER && !this.learned.isKnown) {
      const kept = critical ? 0 : only.reserve
      if (only.bucket.tryTake(cost, now, kept)) return 0
      const wait = only.bucket.waitMs(cost + kept, now)
      if (wait > 0) return wait
    }
    this.look(client, now)
    const own = this.#own
    const wait = this.globalWaitMs(cost, critical, now)
    if (wait > 0) return wait
    if (own !== undefined) {
      const ownWait = own.waitMs(critical ? cost : cost + this.#clientReserve, now)
      if (ownWait > 0) return -ownWait
      own.take(cost, now)
    }
    for (const { bucket } of this.#all) bucket.take(cost, now)
    this.learned.take(cost)
    return 0
  }

  /** Gives tokens back that were taken for a call which then did not run. */
  giveBack(client: ClientKey | undefined, cost: number, now: number): void {
    this.#clients?.of(client ?? ANONYMOUS, now).giveBack(cost, now)
    for (const { bucket } of this.#all) bucket.giveBack(cost, now)
    this.learned.giveBack(cost)
  }

  /** About when a call at the end of a queue gets its tokens, in milliseconds from now. */
  estimateMs(
    client: ClientKey | undefined,
    cost: number,
    critical: boolean,
    ahead: { readonly all: number; readonly client: number },
    now: number,
  ): number {
    let wait = Math.max(this.pausedForMs(now), this.learned.waitMs(cost + ahead.all, now))
    for (const { bucket, reserve, spaces } of this.#all) {
      const wanted = spaces ? bucket.burstSize : critical ? cost : cost + reserve
      wait = Math.max(wait, bucket.estimateMs(ahead.all + wanted, now))
    }
    const own = this.#clients?.of(client ?? ANONYMOUS, now)
    const tokens = ahead.client + cost + (critical ? 0 : this.#clientReserve)
    return own === undefined ? wait : Math.max(wait, own.estimateMs(tokens, now))
  }

  /**
   * Writes down what is to be told of the tightest limit: the one that is waited for longest; of equals the one with least
   * left, of these the client's.
   *
   * @param wanted tokens that the client still wants who was looked up last: 0 when it has them
   * @returns how long it is waited for, in milliseconds
   */
  describe(decision: DecisionRecord, wanted: number, critical: boolean, now: number): number {
    let longest = -1
    decision.remaining = Number.POSITIVE_INFINITY
    if (this.#own !== undefined) {
      longest = wanted === 0 ? 0 : this.#own.waitMs(wanted + (critical ? 0 : this.#clientReserve), now)
      write(decision, 'client', this.#own, critical ? 0 : this.#clientReserve, now)
    }
    for (const { bucket, reserve, spaces } of this.#all) {
      if (spaces) continue
      const kept = critical ? 0 : reserve
      const wait = wanted === 0 ? 0 : bucket.waitMs(wanted + kept, now)
      if (wait < longest || (wait === longest && bucket.available(now) - kept >= decision.remaining)) continue
      longest = wait
      write(decision, 'global', bucket, kept, now)
    }
    decision.remaining = Math.max(0, Math.floor(decision.remaining))
    return longest
  }

  /** Admits nobody until then. Never shortens a pause. */
  pauseUntil(until: number): void {
    if (until > this.#pausedUntil) this.#pausedUntil = until
  }

  pausedForMs(now: number): number {
    return Math.max(0, Math.ceil(this.#pausedUntil - now))
  }

  #endPause(now: number): void {
    const endedAt = this.#pausedUntil
    this.#pausedUntil = NEVER
    // What was saved up before and meanwhile must not come all at once; what has come in since is theirs.
    this.keepAtMost(1, now, endedAt)
  }

  /** Takes out of every limit for all what is above so many tokens, and those that came in since a moment. */
  keepAtMost(tokens: number, now: number, since: number = now): void {
    for (const { bucket, spaces } of this.#all) {
      const surplus = bucket.available(now) - tokens - ((now - since) / 1_000) * bucket.tokensPerSecond
      if (!spaces && surplus > 0) bucket.take(surplus, now)
    }
  }
}

async function both(one: Promise<void>, other: Promise<void>): Promise<void> {
  await one
  await other
}

/** How much of a bucket is kept for critical calls: whole tokens, and never so many that nobody else gets one. */
function reserveOf({ burstSize }: CompleteLimit, share: number): number {
  return Math.min(Math.floor(share * burstSize), Math.floor(burstSize) - 1)
}

/** The bucket that spaces calls: as quick as the quickest of the limits, and as large as the dearest call. */
function spacingOf(limits: readonly Pick<CompleteLimit, 'tokensPerSecond' | 'burstSize'>[]): CompleteLimit {
  const tokensPerSecond = Math.max(...limits.map((limit) => limit.tokensPerSecond))
  return { label: 'spacing', tokensPerSecond, burstSize: Math.max(...limits.map((limit) => limit.burstSize)) }
}

/** @param kept tokens that the caller cannot have */
function write(
  decision: DecisionRecord,
  scope: DecisionRecord['scope'],
  bucket: Bucket,
  kept: number,
  now: number,
): void {
  decision.scope = scope
  decision.limit = bucket.burstSize
  decision.remaining = bucket.available(now) - kept
  decision.resetMs = bucket.fullInMs(now)
}
