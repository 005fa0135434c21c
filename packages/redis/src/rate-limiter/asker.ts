/** All questions of one turn, in one round trip. */
import type { Clock } from 'holdfast'
import type { FleetLimit } from '../errors.ts'
import type { Answer, Shard } from '../redis/shard.ts'
import { LEASE_TOKENS } from '../scripts/lease-tokens.ts'
import { TAKE_ONCE } from '../scripts/take-once.ts'
import type { BucketPlace, BucketSetting } from './bucket.ts'
import { limitOf, rateWord } from './limit-words.ts'

/** How many buckets one script looks after, so that it never holds Redis up for long. */
const MOST_LEASES = 64
const MOST_DECISIONS = 128

/** Ends the name of a bucket among others: no name has it. */
export const NAME_END = '\n'

/** Who asks about a lease. */
export interface LeaseAsker {
  readonly place: BucketPlace
  readonly leasesKey: string
  readonly setting: BucketSetting
  leaseQuestion(now: number): readonly string[]
  leaseAnswer(values: readonly unknown[], answer: Answer): void
  leaseUnanswered(): void
}

/** Who asks about decisions. */
export interface DecisionAsker {
  readonly place: BucketPlace
  /** Its name among the buckets of its limit. */
  readonly bucketName: string
  readonly setting: BucketSetting
  /** @param left grains, or −1 − the wait in microseconds */
  decisionAnswer(grains: number, left: number, answer: Answer, now: number): void
  /** Others use the limit's name with another limit. */
  decisionOfOthers(other: FleetLimit, now: number): void
  decisionUnanswered(): void
}

/** Tokens for one decision. */
interface Decision {
  readonly bucket: DecisionAsker
  readonly grains: number
}

/** What is asked with one script. */
class Question<Asked> {
  readonly asked: Asked[] = []
  /** Settles when all have their answers, or there were none. One promise for all: there are many. */
  readonly answered: Promise<void>
  settle: () => void = () => undefined

  constructor() {
    this.answered = new Promise((resolve) => {
      this.settle = resolve
    })
  }
}

/** Adds to the last question, or to another if that is full. @returns when it has been answered */
function add<Asked>(questions: Question<Asked>[], asked: Asked, most: number): Promise<void> {
  const last = questions.at(-1)
  const question = last === undefined || last.asked.length === most ? new Question<Asked>() : last
  if (question !== last) questions.push(question)
  question.asked.push(asked)
  return question.answered
}

/** Collects what buckets of one server ask in one turn of the event loop, and sends it when the turn is over. */
export class Asker {
  readonly #shard: Shard
  readonly #clock: Clock
  #leases: Question<LeaseAsker>[] = []
  #decisions = new Map<BucketSetting, Question<Decision>[]>()
  #scheduled = false

  constructor(shard: Shard, clock: Clock) {
    this.#shard = shard
    this.#clock = clock
  }

  /** A question about a lease. @returns what settles when it has been answered, or was not */
  lease(asker: LeaseAsker): Promise<void> {
    this.#schedule()
    return add(this.#leases, asker, MOST_LEASES)
  }

  /** A question about one decision. @returns what settles when it has been answered, or was not */
  decision(bucket: DecisionAsker, grains: number): Promise<void> {
    this.#schedule()
    const known = this.#decisions.get(bucket.setting)
    const questions = known ?? []
    if (known === undefined) this.#decisions.set(bucket.setting, questions)
    return add(questions, { bucket, grains }, MOST_DECISIONS)
  }

  /** Has what is of no use any more thrown away. @returns whether something is left */
  async tidy(setting: BucketSetting, { hashes }: BucketPlace): Promise<boolean> {
    const answer = await this.#answer(TAKE_ONCE, hashes, [...limitWords(setting), '0', ''])
    return Number(answer?.values[0] ?? 1) > 0
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
    for (const question of leases) void this.#askLeases(question)
    for (const [setting, questions] of asked) {
      for (const question of questions) void this.#askDecisions(setting, question)
    }
  }

  async #askLeases({ asked, settle }: Question<LeaseAsker>): Promise<void> {
    const now = this.#clock.now()
    const keys = asked.flatMap(({ place: { hashes }, leasesKey }) => [...hashes, leasesKey])
    const args = asked.flatMap((asker) => asker.leaseQuestion(now))
    for (const { place } of asked) place.askedAt = now
    const answer = await this.#answer(LEASE_TOKENS, keys, args)
    for (const [index, asker] of asked.entries()) {
      if (answer === undefined) asker.leaseUnanswered()
      else asker.leaseAnswer(answer.values.slice(5 * index, 5 * index + 5), answer)
    }
    settle()
    for (const { setting } of asked) setting.wake()
  }

  async #askDecisions(setting: BucketSetting, { asked, settle }: Question<Decision>): Promise<void> {
    const [first] = asked
    if (first === undefined) return
    const names = asked.map(({ bucket }) => bucket.bucketName).join(NAME_END)
    const differ = asked.some(({ grains }) => grains !== first.grains)
    const wants = differ ? ['0', names, ...asked.map(({ grains }) => String(grains))] : [String(first.grains), names]
    const { place } = first.bucket
    place.askedAt = this.#clock.now()
    const limit = limitWords(setting)
    const answer = await this.#answer(TAKE_ONCE, place.hashes, [...limit, ...wants])
    const now = this.#clock.now()
    const [usual = 0, otherRate = 0, otherBurst = 0, ...told] = answer?.values.map(Number) ?? []
    const lefts = new Map<number, number>()
    for (let at = 0; at < told.length; at += 2) lefts.set(told[at] ?? 0, told[at + 1] ?? 0)
    for (const [index, { bucket, grains }] of asked.entries()) {
      const left = lefts.get(index) ?? usual
      if (answer === undefined) bucket.decisionUnanswered()
      else if (left === OTHER_LIMIT) bucket.decisionOfOthers(limitOf(otherRate, otherBurst), now)
      else bucket.decisionAnswer(grains, left, answer, now)
    }
    settle()
    setting.wake()
  }

  /** A question that fails is no answer; why it did, the shard's breaker knows. */
  #answer(script: typeof LEASE_TOKENS, keys: readonly string[], args: readonly string[]): Promise<Answer | undefined> {
    return this.#shard.ask(script, keys, args).catch(() => undefined)
  }
}

/** What a question about decisions begins with. */
function limitWords(setting: BucketSetting): readonly string[] {
  return [rateWord(setting), String(setting.burstSize), String(setting.timeLimitMs * 1_000)]
}

/** What the script answers where others use the name with another limit. */
const OTHER_LIMIT = -(2 ** 52)
