/** All questions of one turn, in one round trip. */
import type { Clock } from 'holdfast'
import type { FleetLimit } from '../errors.ts'
import type { Answer, Shard } from '../redis/shard.ts'
import { LEASE_TOKENS } from '../scripts/lease-tokens.ts'
import { TAKE_ONCE } from '../scripts/take-once.ts'
import type { BucketKeys, BucketSetting } from './bucket.ts'
import { limitOf, rateWord } from './limit-words.ts'

/** How many buckets one script looks after, so that it never holds Redis up for long. */
const MOST_LEASES = 64
const MOST_DECISIONS = 128

/** Ends the name of a bucket among others: no name has it. */
export const NAME_END = '\n'

/** Who asks about a lease. */
export interface LeaseAsker {
  readonly keys: BucketKeys
  readonly leasesKey: string
  readonly setting: BucketSetting
  leaseQuestion(now: number): readonly string[]
  leaseAnswer(values: readonly unknown[], answer: Answer): void
  unanswered(): void
}

/** Who asks about decisions. */
export interface DecisionAsker {
  readonly keys: BucketKeys
  /** Its name among the buckets of its limit. */
  readonly bucketName: string
  readonly setting: BucketSetting
  /** @param left grains, or −1 − the wait in microseconds @param other the limit with which others use the bucket */
  decisionAnswer(grains: number, left: number, other: FleetLimit | undefined, answer: Answer, now: number): void
  decisionUnanswered(): void
}

/** Tokens for one decision. */
export interface Decision {
  readonly bucket: DecisionAsker
  readonly grains: number
  /** Called when it has been answered, or was not. */
  readonly settled: () => void
}

/** Collects what buckets of one server ask in one turn of the event loop, and sends it when the turn is over. */
export class Asker {
  readonly #shard: Shard
  readonly #clock: Clock
  #leases: LeaseAsker[] = []
  #decisions = new Map<BucketSetting, Decision[]>()
  #scheduled = false

  constructor(shard: Shard, clock: Clock) {
    this.#shard = shard
    this.#clock = clock
  }

  /** A question about a lease. */
  lease(asker: LeaseAsker): void {
    this.#leases.push(asker)
    this.#schedule()
  }

  /** A question about one decision. */
  decision(decision: Decision): void {
    const { setting } = decision.bucket
    const known = this.#decisions.get(setting)
    if (known === undefined) this.#decisions.set(setting, [decision])
    else known.push(decision)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => this.#send())
  }

  #send(): void {
    const leases = this.#leases
    const asked = this.#decisions
    this.#scheduled = false
    this.#leases = []
    this.#decisions = new Map()
    for (let from = 0; from < leases.length; from += MOST_LEASES) {
      void this.#askLeases(leases.slice(from, from + MOST_LEASES))
    }
    for (const [setting, decisions] of asked) {
      for (let from = 0; from < decisions.length; from += MOST_DECISIONS) {
        void this.#askDecisions(setting, decisions.slice(from, from + MOST_DECISIONS))
      }
    }
  }

  async #askLeases(askers: readonly LeaseAsker[]): Promise<void> {
    const now = this.#clock.now()
    const keys = askers.flatMap(({ keys: { hashes }, leasesKey }) => [...hashes, leasesKey])
    const args = askers.flatMap((asker) => asker.leaseQuestion(now))
    const answer = await this.#answer(LEASE_TOKENS, keys, args)
    for (const [index, asker] of askers.entries()) {
      if (answer === undefined) asker.unanswered()
      else asker.leaseAnswer(answer.values.slice(5 * index, 5 * index + 5), answer)
      asker.setting.wake()
    }
  }

  async #askDecisions(setting: BucketSetting, decisions: readonly Decision[]): Promise<void> {
    const { burstSize, timeLimitMs } = setting
    const [first] = decisions
    if (first === undefined) return
    const names = decisions.map(({ bucket }) => bucket.bucketName).join(NAME_END)
    const differ = decisions.some(({ grains }) => grains !== first.grains)
    const wants = differ
      ? ['0', names, ...decisions.map(({ grains }) => String(grains))]
      : [String(first.grains), names]
    const limit = [rateWord(setting), String(burstSize), String(timeLimitMs * 1_000)]
    const answer = await this.#answer(TAKE_ONCE, first.bucket.keys.hashes, [...limit, ...wants])
    const now = this.#clock.now()
    const [usual = 0, otherRate = 0, otherBurst = 0, ...told] = answer?.values.map(Number) ?? []
    const lefts = new Map<number, number>()
    for (let at = 0; at < told.length; at += 2) lefts.set(told[at] ?? 0, told[at + 1] ?? 0)
    for (const [index, { bucket, grains, settled }] of decisions.entries()) {
      if (answer === undefined) {
        bucket.decisionUnanswered()
      } else {
        const left = lefts.get(index) ?? usual
        bucket.decisionAnswer(
          grains,
          left,
          left === OTHER_LIMIT ? limitOf(otherRate, otherBurst) : undefined,
          answer,
          now,
        )
      }
      settled()
    }
    setting.wake()
  }

  /** A question that fails is no answer; why it did, the shard's breaker knows. */
  #answer(script: typeof LEASE_TOKENS, keys: readonly string[], args: readonly string[]): Promise<Answer | undefined> {
    return this.#shard.ask(script, keys, args).catch(() => undefined)
  }
}

/** What the script answers where others use the name with another limit. */
const OTHER_LIMIT = -(2 ** 52)
