/** The buckets of clients, as far as this process has anything to do with them. */
import type { ClientBuckets, ClientKey } from 'holdfast'
import type { BucketSetting } from './bucket.ts'
import { bucketNameOf, nameOf } from './client-name.ts'
import type { LeasedBucket } from './leased-bucket.ts'

/** How many clients are looked at to make room for a new one. */
const CANDIDATES = 8

/** Clients by name, each with what this process has leased of its bucket. Whom nothing is held of is forgotten first. */
export class FleetClients implements ClientBuckets {
  readonly #setting: BucketSetting
  readonly #maxClients: number
  readonly #open: (client: string, emptyAt: number) => LeasedBucket
  /** In the order of last use. */
  readonly #buckets = new Map<string | number, LeasedBucket>()
  /** The client that was asked for last: a decision asks for it several times. */
  #lastKey: ClientKey | undefined
  #lastName: string | number = ''
  #last: LeasedBucket | undefined
  /** When a client was forgotten to make room who may have had nothing left. */
  #emptyAt = Number.NEGATIVE_INFINITY

  constructor(setting: BucketSetting, maxClients: number, open: (client: string, emptyAt: number) => LeasedBucket) {
    this.#setting = setting
    this.#maxClients = maxClients
    this.#open = open
  }

  get tokensPerSecond(): number {
    return this.#setting.tokensPerSecond
  }

  get burstSize(): number {
    return this.#setting.burstSize
  }

  /** How many clients this process remembers. */
  get size(): number {
    return this.#buckets.size
  }

  of(key: ClientKey, now: number): LeasedBucket {
    // Bytes may have changed since: of them being the same object says nothing.
    if (key === this.#lastKey && this.#last !== undefined && typeof key !== 'object') return this.#last
    // Who is done for is forgotten at once: then there are never more than those who are being asked for.
    if (this.#last?.isForgettable(now)) this.#buckets.delete(this.#lastName)
    this.#lastKey = key
    this.#lastName = nameOf(key)
    this.#last = this.#find(this.#lastName, now)
    return this.#last
  }

  #find(name: string | number, now: number): LeasedBucket {
    const known = this.#buckets.get(name)
    if (known !== undefined) return known
    if (this.#buckets.size >= this.#maxClients) this.#makeRoom(now)
    const bucket = this.#open(bucketNameOf(name), this.#emptyAt)
    this.#buckets.set(name, bucket)
    return bucket
  }

  tend(now: number): void {
    this.#last = undefined
    this.#setting.heat?.cool()
    for (const [client, bucket] of this.#buckets) {
      bucket.tend(now)
      if (bucket.isForgettable(now)) this.#buckets.delete(client)
    }
  }

  /** What is forgotten here is still known to Redis. Without Redis it is not: then all who come later begin with nothing. */
  #makeRoom(now: number): void {
    let looked = 0
    for (const [client, bucket] of this.#buckets) {
      const isForgettable = bucket.isForgettable(now)
      if (!isForgettable && ++looked < CANDIDATES) continue
      if (!isForgettable) this.#emptyAt = now
      this.#buckets.delete(client)
      return
    }
  }
}
