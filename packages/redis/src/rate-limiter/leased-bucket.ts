/** A bucket in Redis, as one process has it: calls take from tokens leased in advance, without asking anybody. */
import { type AdjustableBucket, type CompleteLimit, InvalidOptionError } from 'holdfast'
import { type FleetLimit, FleetLimitMismatchError } from '../errors.ts'
import type { Answer, ShareFrom } from '../redis/shard.ts'
import type { DecisionAsker, LeaseAsker } from './asker.ts'
import type { BucketPlace, BucketSetting } from './bucket.ts'
import { Demand } from './demand.ts'
import { Lease } from './lease.ts'
import { limitOf, rateWord } from './limit-words.ts'
import { LocalShare } from './local-share.ts'

/** From how many tokens a lease on it is worth it to lease; who wants fewer asks for each decision. */
const HOT_TOKENS = 4

/** After how long a limit is asked for again that others had with other figures, in milliseconds. */
const MISMATCH_MS = 1_000

/** One bucket of a limit that the fleet shares. */
export class LeasedBucket implements AdjustableBucket, LeaseAsker, DecisionAsker {
  readonly bucketName: string
  readonly place: BucketPlace
  readonly setting: BucketSetting
  readonly #clientHash: number
  readonly #emptyAt: number
  readonly #lease = new Lease()
  #demand: Demand | undefined
  /** In grains, since demand was last looked at. */
  #spent = 0
  /** Settles when the question about the lease has been answered; undefined while there is none. */
  #answered: Promise<void> | undefined
  /** How many decisions have been asked for, each by itself, and not been answered. */
  #decisionsAsked = 0
  /** Settles when the decision that {@link waitMs} has asked for has been answered; undefined once somebody waits for it. */
  #unclaimed: Promise<void> | undefined
  /** Grains that somebody waits for; 0 when the question gives everything back. */
  #needed = 0
  /** Until when Redis has said no, on the monotonic clock. */
  #deniedUntil = Number.NEGATIVE_INFINITY
  /** What was left in Redis, in grains, and when that was. */
  #left = 0
  #leftAt = Number.NEGATIVE_INFINITY
  #isIdle = true
  #share: LocalShare | undefined
  /** What the share follows from: that of a later absence begins anew. */
  #shareFrom: ShareFrom | undefined
  /** Whether more is out than the bucket may hold now, so that everybody must give back what he has. */
  #isCrowded = false

  /**
   * @param bucketName its name among the buckets of its limit
   * @param clientHash whose it is, for a limit of each client
   * @param emptyAt when it may have been forgotten with nothing left in it, on the monotonic clock
   */
  constructor(
    bucketName: string,
    place: BucketPlace,
    setting: BucketSetting,
    clientHash = 0,
    emptyAt: number = Number.NEGATIVE_INFINITY,
  ) {
    this.bucketName = bucketName
    this.place = place
    this.setting = setting
    this.#clientHash = clientHash
    this.#emptyAt = emptyAt
  }

  get leasesKey(): string {
    return `${this.place.prefix}:${this.bucketName}:leases`
  }

  get tokensPerSecond(): number {
    return this.setting.tokensPerSecond
  }

  get burstSize(): number {
    return this.setting.burstSize
  }

  /** Tokens that are left as far as this process knows: in its hands, and in Redis when it was last asked. */
  available(now: number): number {
    const { burstSize, grains } = this.setting
    if (this.#allows) return burstSize
    const held = this.#lease.held(now) / grains
    const share = this.#shareAt(now)
    if (share !== undefined) return Math.max(held, share.available(now))
    const isAsked = this.place.shard.available && this.place.mismatch === undefined
    return isAsked ? Math.min(burstSize, held + this.#inRedis(now)) : held
  }

  /** How many whole milliseconds until `cost` tokens are there, as far as anybody knows; 0 when they are. Asks for them. */
  waitMs(cost: number, now: number): number {
    if (this.#lease.held(now) >= this.#grainsOf(cost) || this.#allows) return 0
    const share = this.#shareAt(now)
    if (share !== undefined) return Math.min(share.waitMs(cost, now), this.place.shard.timing.probeMs)
    if (!this.place.shard.available) return this.place.shard.timing.probeMs
    if (!this.#isBeingAsked && now >= this.#deniedUntil) this.#askFor(cost)
    const expected = this.#isBeingAsked ? this.place.shard.roundTripMs : this.#deniedUntil - now
    return Math.max(1, Math.ceil(expected))
  }

  /** Takes them if they are there, and as many more as are to be kept. @returns whether they were */
  tryTake(cost: number, now: number, kept: number): boolean {
    if (this.waitMs(cost + kept, now) > 0) return false
    this.take(cost, now)
    return true
  }

  /** Takes what {@link waitMs} has just shown to be there; of more than that, what is in hand. */
  take(cost: number, now: number): void {
    const grains = this.#grainsOf(cost)
    this.#isIdle = false
    if (this.#lease.held(now) >= grains) {
      this.#lease.spend(grains)
      this.setting.counts.spent += cost
      this.#spent += grains
      if (this.#lease.isLow) this.#refill(now)
      return
    }
    const share = this.#shareAt(now)
    if (share === undefined && !this.#allows) return this.#lease.spend(this.#lease.held(now))
    this.setting.counts.unleased += cost
    share?.take(cost, now)
  }

  /** Gives back what was taken for nothing, as far as that makes no token that Redis counts as spent. */
  giveBack(cost: number, now: number): void {
    const taken = this.#lease.unspend(this.#grainsOf(cost), now)
    this.setting.counts.spent -= taken / this.setting.grains
  }

  /** A limit that many processes keep cannot be changed in one of them. @throws InvalidOptionError */
  setLimit({ tokensPerSecond }: CompleteLimit): void {
    const rule = 'the limit of a fleet is the same in every process; change it in the configuration of all of them'
    throw new InvalidOptionError('tokensPerSecond', tokensPerSecond, rule)
  }

  /** About how long until this many tokens have come in, in milliseconds, also for more than the burst. */
  estimateMs(tokens: number, now: number): number {
    const { tokensPerSecond, grains } = this.setting
    const missing = tokens - this.#lease.held(now) / grains - this.#inRedis(now)
    if (missing <= 0) return 0
    return Math.max(this.#deniedUntil - now, (missing / tokensPerSecond) * 1_000)
  }

  fullInMs(now: number): number {
    return Math.ceil(this.estimateMs(this.setting.burstSize, now))
  }

  /**
   * Settles once Redis has been asked for that many tokens, for those who would rather wait for its answer than be told no.
   * Undefined when the answer is known.
   */
  asking(cost: number, now: number): Promise<void> | undefined {
    if (this.#lease.held(now) >= this.#grainsOf(cost)) return undefined
    if (!this.place.shard.available || now < this.#deniedUntil || this.#shareAt(now) !== undefined) return undefined
    const unclaimed = this.#unclaimed
    this.#unclaimed = undefined
    if (unclaimed !== undefined) return unclaimed
    if (!this.#isHot) return this.#askOnce(cost)
    if (this.#answered === undefined) this.#askFor(cost)
    return this.#answered
  }

  /** Whether nothing is lost when it is forgotten. */
  isForgettable(now: number): boolean {
    if (this.#isBeingAsked || this.#lease.held(now) > 0 || now < this.#deniedUntil) return false
    const share = this.#shareAt(now)
    return share === undefined || share.available(now) >= share.burstSize
  }

  /** From time to time: gives back what nobody uses, renews what somebody does before it lapses. */
  tend(now: number): void {
    const held = this.#lease.held(now)
    if (this.#answered === undefined && held > 0) {
      if (this.#isIdle) this.giveUp(now)
      else if (now > this.#lease.lapsesAt - this.setting.leaseMs / 2) this.#refill(now)
    }
    this.#isIdle = true
  }

  /** Gives back what is in hand: nobody calls, or the process ends. */
  giveUp(now: number): void {
    if (this.#answered !== undefined || this.#lease.held(now) === 0 || !this.place.shard.available) return
    this.setting.counts.givenBack += this.#lease.held(now) / this.setting.grains
    this.#needed = 0
    this.#begin()
  }

  leaseQuestion(now: number): readonly string[] {
    const { burstSize, leaseMs, grains, heat, counts } = this.setting
    // Who needs more than he holds gives that back first: two who each hold a part would wait for each other.
    const surrenders = this.#isCrowded || this.#needed === 0 || this.#needed > this.#lease.held(now)
    const { kept, back } = this.#lease.account(surrenders, now)
    this.#demand ??= new Demand(leaseMs, now)
    this.#demand.add(this.#spent, now)
    heat?.add(this.#clientHash, this.#spent / grains)
    this.#spent = 0
    const level = Math.max(this.#demand.level(now) / grains, heat?.of(this.#clientHash) ?? 0)
    const want = this.#needed === 0 ? 0 : Math.max(this.#needed, Math.ceil(level) * grains)
    // Of all questions of this limit, so that a client who is forgotten and comes back is not overtaken by himself.
    const question = ++counts.questions
    const figures = [question, kept, back, this.#needed, want, leaseMs * 1_000]
    return [rateWord(this.setting), burstSize, this.bucketName, ...figures].map(String)
  }

  leaseAnswer(values: readonly unknown[], { sentAt, settlingMs }: Answer): void {
    const [granted = 0, kept = 0, left = 0, waitUs = 0, crowded = 0] = values.map(Number)
    const now = this.setting.clock.now()
    this.#answered = undefined
    if (granted === -1) return this.#differs(limitOf(kept, left), now)
    if (granted === -2) return
    this.place.mismatch = undefined
    this.#lease.renew(kept, granted, sentAt, this.setting.leaseMs)
    this.setting.counts.granted += granted / this.setting.grains
    this.#told(left, granted > 0 ? 0 : Math.max(settlingMs, waitUs / 1_000), sentAt)
    this.#isCrowded = crowded === 1
    if (this.#isCrowded) this.giveUp(now)
  }

  /** What was held when it was asked is held on, and lapses. */
  leaseUnanswered(): void {
    this.#answered = undefined
  }

  decisionAnswer(grains: number, left: number, { sentAt, settlingMs }: Answer, now: number): void {
    this.decisionUnanswered()
    this.place.mismatch = undefined
    if (left >= 0) {
      this.#lease.add(grains, sentAt, this.setting.timeLimitMs, now)
      this.setting.counts.granted += grains / this.setting.grains
    }
    this.#told(Math.max(0, left), left >= 0 ? 0 : Math.max(settlingMs, (-1 - left) / 1_000), sentAt)
  }

  decisionOfOthers(other: FleetLimit, now: number): void {
    this.decisionUnanswered()
    this.#differs(other, now)
  }

  decisionUnanswered(): void {
    this.#decisionsAsked--
    this.#unclaimed = undefined
  }

  /** Tokens in Redis, if nobody else has taken any since it was asked; before that, as many as it can hold. */
  #inRedis(now: number): number {
    const { tokensPerSecond, burstSize, grains } = this.setting
    return Math.min(burstSize, this.#left / grains + ((now - this.#leftAt) / 1_000) * tokensPerSecond)
  }

  #askOnce(cost: number): Promise<void> {
    this.#decisionsAsked++
    this.setting.counts.questions++
    this.setting.heat?.add(this.#clientHash, cost)
    return this.place.asker.decision(this, this.#grainsOf(cost))
  }

  /** What Redis said: what is left, and how long to wait for what was asked. */
  #told(left: number, waitMs: number, sentAt: number): void {
    this.#left = left
    this.#leftAt = sentAt
    this.#deniedUntil = waitMs > 0 ? sentAt + waitMs : Number.NEGATIVE_INFINITY
  }

  #differs(other: FleetLimit, now: number): void {
    const { tokensPerSecond, burstSize, whenUnavailable, name, problem } = this.setting
    this.#deniedUntil = now + MISMATCH_MS
    this.#lease.drop()
    if (this.place.mismatch !== undefined) return
    const own = { tokensPerSecond, burstSize, isShared: whenUnavailable === 'local-share' }
    this.place.mismatch = new FleetLimitMismatchError(name, own, other)
    problem(this.place.mismatch)
  }

  #askFor(cost: number): void {
    if (this.#isHot) {
      this.#needed = this.#grainsOf(cost)
      this.#begin()
    } else {
      this.#unclaimed = this.#askOnce(cost)
    }
  }

  /** More of it, ahead of need: one token at least is worth the question. */
  #refill(now: number): void {
    if (this.#answered !== undefined || now < this.#deniedUntil || !this.place.shard.available) return
    this.#needed = this.setting.grains
    this.#begin()
  }

  #begin(): void {
    this.#answered = this.place.asker.lease(this)
  }

  get #isBeingAsked(): boolean {
    return this.#answered !== undefined || this.#decisionsAsked > 0
  }

  get #isHot(): boolean {
    const { heat } = this.setting
    return heat === undefined || heat.of(this.#clientHash) >= HOT_TOKENS
  }

  get #allows(): boolean {
    return this.setting.whenUnavailable === 'allow' && !this.place.shard.available
  }

  #shareAt(now: number): LocalShare | undefined {
    if (this.setting.whenUnavailable !== 'local-share') return undefined
    const from = this.place.shard.shareFrom(now)
    if (from !== this.#shareFrom) this.#share = undefined
    this.#shareFrom = from
    // A part of less than a token is no share: Redis does not keep it either.
    if (from === undefined || from.part * this.setting.burstSize < 1) return undefined
    this.#share ??= new LocalShare(this.setting, from.part, Math.max(from.at, this.#emptyAt))
    return this.#share
  }

  #grainsOf(cost: number): number {
    return Math.ceil(cost * this.setting.grains)
  }
}
