/** The buckets of one limiter, kept in Redis. */

import { createHash } from 'node:crypto'
import type { ClientBuckets, ClientKey, CompleteLimit, LimiterStore } from 'holdfast'
import type { Fleet, Member } from '../fleet.ts'
import type { BucketSetting, LeaseCounts, WhenUnavailable } from './bucket.ts'
import { grainsPerToken } from './grains.ts'
import { LeasedBucket } from './leased-bucket.ts'

/** On how many tags the clients of one limit are spread in a Cluster. */
const CLIENT_GROUPS = 16

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
    const bucket = this.#open(this.#setting(limit, wake, true), limit.label, '')
    this.#buckets.add(bucket)
    return bucket
  }

  /** The tokens of each client. */
  clientBuckets(limit: CompleteLimit, maxClients: number, wake: () => void): FleetClients {
    const setting = this.#setting(limit, wake, false)
    const open = (client: string): LeasedBucket => this.#open(setting, `${limit.label}:${groupOf(client)}`, client)
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
    alwaysLeased: boolean,
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
      alwaysLeased,
      clock,
      counts: this.counts,
      wake,
      problem: (error) => this.#fleet.problem(error),
    }
  }

  #open(setting: BucketSetting, tag: string, client: string): LeasedBucket {
    const { shard, asker } = this.#fleet.shard(`${this.#name}:${tag}`)
    const state = this.#fleet.key(shard, 'limit', setting.name, ...(client === '' ? [] : [client]))
    return new LeasedBucket({ state, leases: `${state}:leases` }, setting, shard, asker)
  }
}

/** Clients by name, each with what this process has leased of its bucket. Whom nothing is held of is forgotten first. */
export class FleetClients implements ClientBuckets {
  readonly #setting: BucketSetting
  readonly #maxClients: number
  readonly #open: (client: string) => LeasedBucket
  /** In the order of last use. */
  readonly #buckets = new Map<string, LeasedBucket>()

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
    const client = nameOf(key)
    const known = this.#buckets.get(client)
    if (known !== undefined) return known
    if (this.#buckets.size >= this.#maxClients) this.#makeRoom(now)
    const bucket = this.#open(client)
    this.#buckets.set(client, bucket)
    return bucket
  }

  tend(now: number): void {
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

/** What a client is called in Redis. Long names and bytes are digested, so that no client can fill its memory with a name. */
function nameOf(key: ClientKey): string {
  if (typeof key === 'number') return `#${key}`
  if (typeof key === 'string' && key.length <= LONGEST_NAME) return `-${key}`
  return createHash('sha1').update(key).digest('base64url')
}

/** FNV-1a: the same client is in the same group in every process. */
function groupOf(client: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < client.length; index++) hash = Math.imul(hash ^ client.charCodeAt(index), 0x01000193)
  return (hash >>> 0) % CLIENT_GROUPS
}
