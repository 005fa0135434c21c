/** The buckets of one limiter, kept in Redis. */

import { createHash } from 'node:crypto'
import type { ClientBuckets, ClientKey, CompleteLimit, LimiterStore } from 'holdfast'
import type { Fleet, Member } from '../fleet.ts'
import type { Shard } from '../redis/shard.ts'
import { type Asker, NAME_END } from './asker.ts'
import type { BucketPlace, BucketSetting, LeaseCounts, WhenUnavailable } from './bucket.ts'
import { grainsPerToken } from './grains.ts'
import { Heat } from './heat.ts'
import { LeasedBucket } from './leased-bucket.ts'

/** On how many tags the clients of one limit are spread in a Cluster. */
const CLIENT_GROUPS = 16

/** Name of the bucket of a limit for all. */
const ALL = 'all'

/** How many clients are looked at to make room for a new one. */
const CANDIDATES = 8

/** Keeps a limiter's tokens in Redis. */
export class FleetStore implements LimiterStore, Member {
  /** What became of leased tokens so far, in tokens. */
  readonly counts: LeaseCounts = { questions: 0, granted: 0, spent: 0, givenBack: 0, unleased: 0 }
  readonly #fleet: Fleet
  readonly #name: string
  readonly #whenUnavailable: WhenUnavailable
  readonly #buckets = new Set<LeasedBucket>()
  readonly #clients: FleetClients[] = []
  readonly #wakes = new Set<() => void>()

  constructor(fleet: Fleet, name: string, whenUnavailable: WhenUnavailable) {
    this.#fleet = fleet
    this.#name = name
    this.#whenUnavailable = whenUnavailable
    fleet.join(this)
  }

  /** The tokens for all. */
  bucket(limit: CompleteLimit, wake: () => void): LeasedBucket {
    const setting = this.#setting(limit, wake, undefined)
    const { shard, asker, place } = this.#place(setting, limit.label)
    const bucket = new LeasedBucket(ALL, place, setting, shard, asker)
    this.#buckets.add(bucket)
    return bucket
  }

  /** The tokens of each client. */
  clientBuckets(limit: CompleteLimit, maxClients: number, wake: () => void): FleetClients {
    const setting = this.#setting(limit, wake, new Heat())
    const groups = this.#fleet.port.isCluster ? CLIENT_GROUPS : 1
    const places: Place[] = []
    const open = (client: string): LeasedBucket => {
      const hash = hashOf(client)
      const group = hash % groups
      places[group] ??= this.#place(setting, `${limit.label}:${group}`)
      const { shard, asker, place } = places[group]
      return new LeasedBucket(client, place, setting, shard, asker, hash)
    }
    const clients = new FleetClients(setting, maxClients, open)
    this.#clients.push(clients)
    return clients
  }

  tend(now: number): void {
    for (const bucket of this.#buckets) bucket.tend(now)
    for (const clients of this.#clients) clients.tend(now)
  }

  changed(): void {
    for (const wake of this.#wakes) wake()
  }

  leave(now: number): void {
    for (const bucket of this.#buckets) bucket.giveUp(now)
  }

  #setting(
    { label, tokensPerSecond, burstSize }: CompleteLimit,
    wake: () => void,
    heat: Heat | undefined,
  ): BucketSetting {
    const { leaseMs, timeLimitMs, clock } = this.#fleet
    this.#wakes.add(wake)
    return {
      name: `${this.#name}:${label}`,
      tokensPerSecond,
      burstSize,
      grains: grainsPerToken(burstSize),
      leaseMs,
      timeLimitMs,
      whenUnavailable: this.#whenUnavailable,
      heat,
      clock,
      counts: this.counts,
      wake,
      problem: (error) => this.#fleet.problem(error),
    }
  }

  #place(setting: BucketSetting, tag: string): Place {
    const { shard, asker } = this.#fleet.shard(`${this.#name}:${tag}`)
    const prefix = this.#fleet.key(shard, 'limit', setting.name)
    return { shard, asker, place: { hashes: [`${prefix}:0`, `${prefix}:1`], prefix, mismatch: undefined } }
  }
}

/** Where buckets of one limit are kept. */
interface Place {
  readonly shard: Shard
  readonly asker: Asker
  readonly place: BucketPlace
}

/** Clients by name, each with what this process has leased of its bucket. Whom nothing is held of is forgotten first. */
export class FleetClients implements ClientBuckets {
  readonly #setting: BucketSetting
  readonly #maxClients: number
  readonly #open: (client: string) => LeasedBucket
  /** In the order of last use. */
  readonly #buckets = new Map<string | number, LeasedBucket>()
  /** The client that was asked for last: a decision asks for it several times. */
  #lastKey: ClientKey | undefined
  #lastName: string | number = ''
  #last: LeasedBucket | undefined

  constructor(setting: BucketSetting, maxClients: number, open: (client: string) => LeasedBucket) {
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
    const bucket = this.#open(typeof name === 'number' ? `#${name}` : textName(name))
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

  /** What is forgotten here is still known to Redis; at worst a few tokens in hand lapse. */
  #makeRoom(now: number): void {
    let looked = 0
    for (const [client, bucket] of this.#buckets) {
      if (!bucket.isForgettable(now) && ++looked < CANDIDATES) continue
      this.#buckets.delete(client)
      return
    }
  }
}

/** How long a client's name may be that stands in a key as it is. */
const LONGEST_NAME = 64

/** What the name of a digest begins with. */
const DIGEST = '='

/**
 * By what a client is known. Long names and bytes are digested, so that no client can fill memory with a name; and so are
 * names that look like a digest, or like several names, so that no client can take another's.
 */
function nameOf(key: ClientKey): string | number {
  if (typeof key === 'number') return key
  if (typeof key === 'string' && key.length <= LONGEST_NAME && !key.startsWith(DIGEST) && !key.includes(NAME_END))
    return key
  return DIGEST + createHash('sha1').update(key).digest('base64url')
}

/** A client's name among those of buckets, as no number and no other name is written. */
function textName(name: string): string {
  return name === '' || name.startsWith('-') || name.startsWith('#') ? `-${name}` : name
}

/** FNV-1a: the same client has the same in every process. */
function hashOf(client: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < client.length; index++) hash = Math.imul(hash ^ client.charCodeAt(index), 0x01000193)
  return hash >>> 0
}
