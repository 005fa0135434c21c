/** The buckets of one limiter, kept in Redis. */
import type { CompleteLimit, LimiterStore } from 'holdfast'
import type { Fleet, Member } from '../fleet.ts'
import type { BucketPlace, BucketSetting, LeaseCounts, WhenUnavailable } from './bucket.ts'
import { hashOf } from './client-name.ts'
import { FleetClients } from './fleet-clients.ts'
import { grainsPerToken } from './grains.ts'
import { Heat } from './heat.ts'
import { LeasedBucket } from './leased-bucket.ts'

/** On how many tags the clients of one limit are spread in a Cluster. */
const CLIENT_GROUPS = 16

/** After how many periods without a question a limit is tidied up: two, and some time for clocks that go slower. */
const TIDY_PERIODS = 2.5

/** After how long a bucket is full again in which nothing is left, in milliseconds. */
function periodMs({ burstSize, tokensPerSecond, leaseMs, timeLimitMs }: BucketSetting): number {
  return (burstSize / tokensPerSecond) * 1_000 + Math.max(leaseMs, 2 * timeLimitMs)
}

/** Name of the bucket of a limit for all. */
const ALL = 'all'

/** Keeps a limiter's tokens in Redis. */
export class FleetStore implements LimiterStore, Member {
  /** What became of leased tokens so far, in tokens. */
  readonly counts: LeaseCounts = { questions: 0, granted: 0, spent: 0, givenBack: 0, unleased: 0 }
  readonly #fleet: Fleet
  readonly #name: string
  readonly #whenUnavailable: WhenUnavailable
  readonly #buckets = new Set<LeasedBucket>()
  readonly #clients: FleetClients[] = []
  readonly #places: { readonly place: BucketPlace; readonly setting: BucketSetting }[] = []
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
    const bucket = new LeasedBucket(ALL, this.#place(setting, limit.label), setting)
    this.#buckets.add(bucket)
    return bucket
  }

  /** The tokens of each client. */
  clientBuckets(limit: CompleteLimit, maxClients: number, wake: () => void): FleetClients {
    const setting = this.#setting(limit, wake, new Heat())
    const groups = this.#fleet.port.isCluster ? CLIENT_GROUPS : 1
    const places: BucketPlace[] = []
    const open = (client: string, emptyAt: number): LeasedBucket => {
      const hash = hashOf(client)
      const group = hash % groups
      places[group] ??= this.#place(setting, `${limit.label}:${group}`)
      return new LeasedBucket(client, places[group], setting, hash, emptyAt)
    }
    const clients = new FleetClients(setting, maxClients, open)
    this.#clients.push(clients)
    return clients
  }

  tend(now: number): void {
    for (const bucket of this.#buckets) bucket.tend(now)
    for (const clients of this.#clients) clients.tend(now)
    for (const { place, setting } of this.#places) void this.#tidy(place, setting, now)
  }

  /** What nobody sees to expires, and Redis stands still while it takes a large hash apart. */
  async #tidy(place: BucketPlace, setting: BucketSetting, now: number): Promise<void> {
    if (place.askedAt === undefined || now < place.askedAt + TIDY_PERIODS * periodMs(setting)) return
    place.askedAt = undefined
    if (await place.asker.tidy(setting, place)) place.askedAt ??= now
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

  #place(setting: BucketSetting, tag: string): BucketPlace {
    const { shard, asker } = this.#fleet.shard(`${this.#name}:${tag}`)
    const prefix = this.#fleet.key(shard, 'limit', setting.name)
    const hashes = [`${prefix}:0`, `${prefix}:1`] as const
    const place = { shard, asker, hashes, prefix, askedAt: undefined, mismatch: undefined }
    this.#places.push({ place, setting })
    return place
  }
}
