import { systemSeed } from '../clock.ts'
import type { Bucket, ClientBuckets } from './bucket.ts'
import { BucketSegment } from './bucket-segment.ts'
import type { ClientPlace } from './client-place.ts'
import type { DecisionRecord } from './decision.ts'
import { type ClientKey, KeyHash } from './key-hash.ts'
import { TokenBucket } from './token-bucket.ts'
import type { TokenClock } from './token-clock.ts'

/** More clients than that are kept in two segments: moving them takes a fraction of a millisecond. */
const MOST_IN_SEGMENT = 8_192

/** How many segments are looked at to make room for a newcomer. */
const CANDIDATES = 4

/** After so many look-ups one segment is tidied. A power of two. */
const TIDY_EVERY = 1_024

/**
 * A bucket for each client, for at most `maxClients` of them, 20 to 40 bytes each (bench: `keyed-limiter`). It is a table
 * of segments chosen by the first bits of the client's hash (extendible hashing: Fagin and others, 1979). A segment that
 * is full is split alone, so that growing never takes longer than moving 13,000 clients.
 *
 * Only a client whose bucket is full is forgotten, because a new bucket would be the same; so nobody gets out of debt by
 * making up names for a flood of other clients. While there is no room, newcomers share one bucket.
 */
export class KeyedBuckets implements ClientBuckets {
  readonly #clock: TokenClock
  readonly #maxClients: number = 0
  readonly #seed: readonly [number, number] | undefined
  #hash: KeyHash | undefined
  /** A segment for each value of the first `#depth` bits; one that is less deep stands there several times. */
  #directory: BucketSegment[] = [new BucketSegment(this, 0, 0)]
  #depth = 0
  #size = 0
  #lookups = 0
  /** The next segment to be looked at for clients that can be forgotten. */
  #hand = 0
  /**
   * Memory of the last segment that was moved out of. It is used again: what is thrown away while the table grows would be
   * several times what it has in the end, and make the engine collect garbage in pauses of milliseconds.
   */
  #emptied: Int32Array | undefined
  readonly #found: FoundBucket
  #shared: TokenBucket | undefined

  /** @param seed of the hash, for tests; default: a secret one */
  constructor(clock: TokenClock, maxClients: number, seed?: readonly [number, number]) {
    this.#clock = clock
    this.#maxClients = maxClients
    this.#seed = seed
    this.#found = new FoundBucket(clock, this)
  }

  get tokensPerSecond(): number {
    return this.#clock.tokensPerSecond
  }

  get burstSize(): number {
    return this.#clock.burstSize
  }

  get size(): number {
    return this.#size
  }

  of(client: ClientKey, now: number): Bucket {
    if ((++this.#lookups & (TIDY_EVERY - 1)) === 0) this.#tidy(now)
    // Seeded at the first use: some runtimes have no secrets to give while a module is loaded.
    this.#hash ??= new KeyHash(this.#seed ?? systemSeed())
    this.#hash.of(client)
    const { low, high } = this.#hash
    const segment = this.#segmentAt(this.#placeOf(high))
    const slot = segment.find(low, high)
    if (slot < 0) return this.#newcomer(low, high, now)
    return this.#show(low, high, segment, slot, this.#clock.bounded(segment.fullAt(slot), now))
  }

  admitAt(place: ClientPlace, cost: number, now: number, decision: DecisionRecord): Bucket | undefined {
    const { segment, slot } = place
    // When it is time to tidy too, which `of` does.
    if (segment?.table !== this || this.#lookups % TIDY_EVERY === TIDY_EVERY - 1) return this.#findFor(place, now)
    this.#lookups++
    const fullAt = this.#clock.admit(segment.fullAt(slot), cost, now, decision)
    if (Number.isNaN(fullAt)) return this.#show(0, 0, segment, slot, this.#clock.bounded(segment.fullAt(slot), now))
    segment.save(slot, fullAt)
    return undefined
  }

  #findFor(place: ClientPlace, now: number): Bucket {
    const bucket = this.of(place.client, now)
    const { segment, slot } = this.#found
    place.segment = bucket === this.#found ? segment : undefined
    place.slot = slot
    return bucket
  }

  /** For the bucket that was found: its client has taken tokens. */
  save(found: FoundBucket, now: number): void {
    if (found.segment !== undefined) found.segment.save(found.slot, found.fullAt)
    else this.#add(found, now)
  }

  #newcomer(low: number, high: number, now: number): Bucket {
    if (this.#size >= this.#maxClients && !this.#makeRoom(now)) {
      this.#shared ??= new TokenBucket(this.#clock)
      return this.#shared
    }
    // Who has been drawing on the shared bucket may be among the newcomers: none starts with more than it has left.
    return this.#show(low, high, undefined, -1, this.#shared?.fullAt ?? Number.NEGATIVE_INFINITY)
  }

  #show(low: number, high: number, segment: BucketSegment | undefined, slot: number, fullAt: number): Bucket {
    const found = this.#found
    found.low = low
    found.high = high
    found.segment = segment
    found.slot = slot
    found.fullAt = fullAt
    return found
  }

  #add(found: FoundBucket, now: number): void {
    const { low, high, fullAt } = found
    let segment = this.#segmentAt(this.#placeOf(high))
    while (segment.isFull) {
      this.#renew(segment, this.#placeOf(high), now)
      segment = this.#segmentAt(this.#placeOf(high))
    }
    found.segment = segment
    found.slot = segment.add(low, high, fullAt)
    this.#size++
  }

  #placeOf(high: number): number {
    // In two steps, because a shift by 32 is one by 0.
    return (high >>> 1) >>> (31 - this.#depth)
  }

  #segmentAt(place: number): BucketSegment {
    const segment = this.#directory[place]
    if (segment === undefined) throw new RangeError(`the directory has no place ${place}`)
    return segment
  }

  /** Puts a new segment into all places that have the same first bits. */
  #install(depth: number, place: number, clients: number): void {
    const places = 2 ** (this.#depth - depth)
    const first = place - (place % places)
    this.#directory.fill(new BucketSegment(this, depth, clients, this.#emptied), first, first + places)
    this.#emptied = undefined
  }

  #move(from: BucketSegment, at: number): void {
    from.forEachInDebt(at, (low, high, fullAt) => this.#segmentAt(this.#placeOf(high)).add(low, high, fullAt))
    this.#emptied = from.giveUp()
  }

  /**
   * Moves those that are in debt into a segment that fits them, or into two, and forgets the others.
   *
   * @returns how many were forgotten
   */
  #renew(old: BucketSegment, place: number, now: number): number {
    const at = this.#clock.at(now)
    const inDebt = old.countInDebt(at)
    const forgotten = old.count - inDebt
    if (forgotten === 0 && !old.isFull) return 0
    if (inDebt <= MOST_IN_SEGMENT) this.#install(old.depth, place, inDebt)
    else this.#split(old.depth, place, inDebt)
    this.#move(old, at)
    this.#size -= forgotten
    return forgotten
  }

  #split(depth: number, place: number, clients: number): void {
    if (depth === this.#depth) {
      this.#directory = this.#directory.flatMap((segment) => [segment, segment])
      this.#depth++
      this.#split(depth, place * 2, clients)
      return
    }
    this.#install(depth + 1, place, clients / 2)
    this.#install(depth + 1, place ^ (2 ** (this.#depth - depth - 1)), clients / 2)
  }

  #makeRoom(now: number): boolean {
    for (let looked = 0; looked < CANDIDATES; looked++) {
      const place = this.#moveHand()
      const segment = this.#segmentAt(place)
      if (segment.soonest <= this.#clock.at(now) && this.#renew(segment, place, now) > 0) return true
    }
    return false
  }

  /** Forgets who is idle, and joins two segments when one is enough for both: a flood leaves nothing behind. */
  #tidy(now: number): void {
    const place = this.#moveHand()
    let segment = this.#segmentAt(place)
    const at = this.#clock.at(now)
    if (segment.soonest <= at) this.#renew(segment, place, now)
    segment = this.#segmentAt(place)
    if (segment.depth === 0) return
    const neighbour = this.#segmentAt(place ^ (2 ** (this.#depth - segment.depth)))
    if (neighbour.depth !== segment.depth || neighbour.count + segment.count > MOST_IN_SEGMENT / 2) return
    this.#install(segment.depth - 1, place, neighbour.count + segment.count)
    this.#move(segment, Number.NEGATIVE_INFINITY)
    this.#move(neighbour, Number.NEGATIVE_INFINITY)
  }

  #moveHand(): number {
    this.#hand = (this.#hand + 1) % this.#directory.length
    return this.#hand
  }
}

/** The bucket of the client that was looked up last. */
class FoundBucket extends TokenBucket {
  low = 0
  high = 0
  /** Where it stands; undefined for a newcomer. */
  segment: BucketSegment | undefined
  slot = -1
  readonly #table: KeyedBuckets

  constructor(clock: TokenClock, table: KeyedBuckets) {
    super(clock)
    this.#table = table
  }

  override take(cost: number, now: number): void {
    super.take(cost, now)
    this.#table.save(this, now)
  }

  override giveBack(cost: number): void {
    super.giveBack(cost)
    this.segment?.save(this.slot, this.fullAt)
  }
}
