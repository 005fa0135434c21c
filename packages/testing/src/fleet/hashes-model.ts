/** Where the scripts of `@holdfast/redis` keep the buckets of one limit: in two hashes, of which one is written. */
import type { BucketModel, LimitModel } from './bucket-model.ts'
import type { MemoryModel } from './memory-model.ts'

/** One of the two. Times are of the clock by which the limit goes. */
interface HashModel {
  /** When the memory began to which it belongs. */
  readonly memory: number
  readonly born: number
  readonly rate: number
  readonly burst: number
  period: number
  readonly buckets: Map<string, BucketModel>
}

/** Plain data: what a server keeps of one limit. */
export interface HashesModel {
  recent?: HashModel | undefined
  older?: HashModel | undefined
}

/** The limit with which others use the name, as long as something of theirs is remembered. */
export function otherLimit(
  { recent, older }: HashesModel,
  limit: LimitModel,
  memory: MemoryModel,
  now: number,
): readonly [number, number] | undefined {
  const other = [recent, older].find((hash) => {
    if (hash === undefined || hash.memory !== memory.began || isOf(hash, limit, memory)) return false
    return (hash.rate < 0 ? memory.flowed : now) < hash.born + 2 * hash.period
  })
  return other === undefined ? undefined : [other.rate, other.burst]
}

/** Forgets what is of no use any more. @returns how many hashes are left */
export function tidy(kept: HashesModel, memory: MemoryModel, now: number): number {
  const isUsed = (hash: HashModel | undefined): boolean => {
    if (hash === undefined || hash.memory !== memory.began) return false
    return (hash.rate < 0 ? memory.flowed : now) < hash.born + 2 * hash.period
  }
  if (!isUsed(kept.recent)) kept.recent = undefined
  if (!isUsed(kept.older)) kept.older = undefined
  return [kept.recent, kept.older].filter((hash) => hash !== undefined).length
}

/** The hashes of a limit while a script runs. */
export class OpenHashes {
  readonly #kept: HashesModel
  readonly #limit: LimitModel
  readonly #memory: MemoryModel
  readonly #life: number
  readonly #older: HashModel | undefined
  /** The one that is written; made with the first change. */
  #recent: HashModel | undefined
  #period: number

  /** @param life for how long after this something of a bucket may be out, in microseconds */
  constructor(kept: HashesModel, limit: LimitModel, memory: MemoryModel, life: number) {
    const [recent, older] = [kept.recent, kept.older].map((hash) => (isOf(hash, limit, memory) ? hash : undefined))
    const isOver = recent === undefined || limit.now >= recent.born + recent.period
    this.#kept = kept
    this.#limit = limit
    this.#memory = memory
    this.#life = life
    this.#recent = isOver ? undefined : recent
    this.#older = isOver ? recent : older
    this.#period = Math.max(this.#periodOf(0), recent?.period ?? 0, older?.period ?? 0)
  }

  /** The bucket, unless it is as if nobody had ever used it. */
  find(name: string): BucketModel | undefined {
    return this.#recent?.buckets.get(name) ?? this.#older?.buckets.get(name)
  }

  keep(name: string, bucket: BucketModel): void {
    const { rate, burst, now } = this.#limit
    const memory = this.#memory.began
    this.#recent ??= { memory, born: Math.max(now, memory), rate, burst, period: 0, buckets: new Map() }
    this.#period = Math.max(this.#period, this.#periodOf(Math.min(0, bucket.tokens)))
    this.#recent.period = this.#period
    this.#recent.buckets.set(name, bucket)
    this.#kept.recent = this.#recent
    this.#kept.older = this.#older
  }

  /** After how long a bucket of that many grains is full again. */
  #periodOf(tokens: number): number {
    return (this.#limit.whole - tokens) / this.#limit.flow + this.#life + 1_000
  }
}

function isOf(hash: HashModel | undefined, { rate, burst }: LimitModel, { began }: MemoryModel): boolean {
  return hash !== undefined && hash.memory === began && hash.rate === rate && hash.burst === burst
}
