/** All questions of one turn, in one round trip. */
import type { Clock } from 'holdfast'
import type { FleetLimit } from '../errors.ts'
import type { Answer, Shard } from '../redis/shard.ts'
import { LEASE_TOKENS } from '../scripts/lease-tokens.ts'
import { TAKE_ONCE } from '../scripts/take-once.ts'
import type { BucketSetting } from './bucket.ts'
import { limitOf, rateWord } from './limit-words.ts'

/** How many buckets one script looks after, so that it never holds Redis up for long. */
const MOST_LEASES = 64
const MOST_DECISIONS = 64

/** Who asks about a lease. */
export interface LeaseAsker {
  readonly stateKey: string
  readonly leasesKey: string
  leaseQuestion(now: number): readonly string[]
  leaseAnswer(values: readonly unknown[], answer: Answer): void
  unanswered(): void
}

/** Tokens for one decision. */
export interface OnceAsker {
  readonly stateKey: string
  readonly setting: BucketSetting
  readonly grains: number
  /** @param left grains, or −1 − the wait in microseconds */
  onceAnswer(left: number, other: FleetLimit | undefined, answer: Answer): void
  unanswered(): void
}

/** Collects what buckets of one server ask in one turn of the event loop, and sends it when the turn is over. */
export class Asker {
  readonly #shard: Shard
  readonly #clock: Clock
  #leases: LeaseAsker[] = []
  #decisions = new Map<BucketSetting, OnceAsker[]>()
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
  once(asker: OnceAsker): void {
    const known = this.#decisions.get(asker.setting)
    if (known === undefined) this.#decisions.set(asker.setting, [asker])
    else known.push(asker)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => this.#send())
  }

  #send(): void {
    const leases = this.#leases
    const decisions = this.#decisions
    this.#scheduled = false
    this.#leases = []
    this.#decisions = new Map()
    for (let from = 0; from < leases.length; from += MOST_LEASES) {
      void this.#askLeases(leases.slice(from, from + MOST_LEASES))
    }
    for (const [setting, askers] of decisions) {
      for (let from = 0; from < askers.length; from += MOST_DECISIONS) {
        void this.#askDecisions(setting, askers.slice(from, from + MOST_DECISIONS))
      }
    }
  }

  async #askLeases(askers: readonly LeaseAsker[]): Promise<void> {
    const now = this.#clock.now()
    const keys = askers.flatMap(({ stateKey, leasesKey }) => [stateKey, leasesKey])
    const args = askers.flatMap((asker) => asker.leaseQuestion(now))
    const answer = await this.#answer(LEASE_TOKENS, keys, args)
    for (const [index, asker] of askers.entries()) {
      if (answer === undefined) asker.unanswered()
      else asker.leaseAnswer(answer.values.slice(5 * index, 5 * index + 5), answer)
    }
  }

  async #askDecisions(setting: BucketSetting, askers: readonly OnceAsker[]): Promise<void> {
    const { burstSize, timeLimitMs } = setting
    const keys = askers.map(({ stateKey }) => stateKey)
    const [first] = askers
    const differ = askers.some(({ grains }) => grains !== first?.grains)
    const wants = differ ? askers.map(({ grains }) => String(grains)) : [String(first?.grains)]
    const limit = [rateWord(setting), String(burstSize), String(timeLimitMs * 1_000)]
    const answer = await this.#answer(TAKE_ONCE, keys, [...limit, ...wants])
    const [otherRate, otherBurst] = answer?.values.slice(askers.length).map(Number) ?? []
    for (const [index, asker] of askers.entries()) {
      if (answer === undefined) {
        asker.unanswered()
        continue
      }
      const left = Number(answer.values[index])
      const differs = left === OTHER_LIMIT && otherRate !== undefined && otherBurst !== undefined
      asker.onceAnswer(left, differs ? limitOf(otherRate, otherBurst) : undefined, answer)
    }
  }

  /** A question that fails is no answer; why it did, the shard's breaker knows. */
  #answer(script: typeof LEASE_TOKENS, keys: readonly string[], args: readonly string[]): Promise<Answer | undefined> {
    return this.#shard.ask(script, keys, args).catch(() => undefined)
  }
}

/** What the script answers for a bucket that others use with another limit. */
const OTHER_LIMIT = -(2 ** 52)
