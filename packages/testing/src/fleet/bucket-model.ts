/** The arithmetic of a bucket in Redis, as the scripts of `@holdfast/redis` do it; a property test holds the two together. */
import { type MemoryModel, WHOLE } from './memory-model.ts'

/** A limit in the units of the scripts. */
export interface LimitModel {
  readonly rate: number
  readonly burst: number
  /** How many grains a token has. */
  readonly grains: number
  /** How many grains it may hold, and how many now. */
  readonly whole: number
  readonly size: number
  /** Grains that flow in each microsecond. */
  readonly flow: number
  /** The time by which it goes, and how fast that goes. */
  readonly now: number
  readonly pace: number
}

/** What one process holds. */
interface LeaseModel {
  readonly amount: number
  readonly lapses: number
  readonly question: number
}

/** The state of one bucket: grains, and microseconds of the server's clock. */
export interface BucketModel {
  limit: LimitModel
  tokens: number
  updated: number
  leased: number
  earliest: number
  latest: number
  flying0: number
  lands0: number
  flying1: number
  lands1: number
  readonly leases: Map<string, LeaseModel>
}

/**
 * The limit of that rate (tokens a second) and burst (tokens). A negative rate is that of a limit that is shared out without
 * Redis: it goes by the clock that slows down.
 */
export function limitModel(rate: number, burst: number, memory: MemoryModel, now: number): LimitModel {
  const exponent = Math.floor(Math.log2(burst)) + 1
  const grains = 2 ** Math.min(40, 51 - exponent)
  const whole = Math.floor(burst * grains)
  const limit = { rate, burst, grains, whole, size: whole, flow: (Math.abs(rate) * grains) / 1_000_000, now, pace: 1 }
  if (rate > 0) return limit
  const size = burst * memory.largest >= WHOLE ? Math.floor(whole * memory.speed) : whole
  return { ...limit, size, now: memory.flowed, pace: memory.speed }
}

/** A bucket that was empty when memory began. */
export function emptyBucket(limit: LimitModel, began: number): BucketModel {
  return {
    limit,
    tokens: 0,
    updated: began,
    leased: 0,
    earliest: 0,
    latest: 0,
    flying0: 0,
    lands0: 0,
    flying1: 0,
    lands1: 0,
    leases: new Map(),
  }
}

/** What may be there while all that is out stays out. */
const roomOf = (bucket: BucketModel): number => bucket.limit.size - bucket.leased - bucket.flying0 - bucket.flying1

function flow(bucket: BucketModel, till: number): void {
  if (till <= bucket.updated) return
  const gain = Math.floor((till - bucket.updated) * bucket.limit.flow)
  bucket.tokens += Math.max(0, Math.min(gain, roomOf(bucket) - bucket.tokens))
  bucket.updated = till
}

/** Forgets leases that have lapsed, in the order in which they did. */
function sweep(bucket: BucketModel): void {
  const { now } = bucket.limit
  if (bucket.leased === 0 || bucket.earliest > now || bucket.latest <= now) return
  const lapsed = [...bucket.leases].filter(([, { lapses }]) => lapses <= now)
  for (const [id, lease] of lapsed.sort(([, a], [, b]) => a.lapses - b.lapses)) {
    flow(bucket, lease.lapses)
    bucket.leased -= lease.amount
    bucket.leases.delete(id)
  }
  const remaining = [...bucket.leases.values()].map(({ lapses }) => lapses)
  if (remaining.length > 0) bucket.earliest = Math.min(...remaining)
}

/** Lets time pass. */
export function elapse(bucket: BucketModel): void {
  const { now } = bucket.limit
  if (bucket.flying0 > 0 && bucket.lands0 <= now) {
    flow(bucket, bucket.lands0)
    bucket.flying0 = 0
  }
  if (bucket.flying1 > 0 && bucket.lands1 <= now) {
    flow(bucket, bucket.lands1)
    bucket.flying1 = 0
  }
  if (bucket.leased > 0 && bucket.latest <= now) {
    flow(bucket, bucket.latest)
    bucket.leased = 0
  }
  flow(bucket, now)
  bucket.tokens = Math.min(bucket.tokens, roomOf(bucket))
}

/** How long until that many grains are there, in microseconds; while the clock goes slower, that may change. */
export function waitFor(bucket: BucketModel, need: number): number {
  const { pace } = bucket.limit
  const wait = waitAtPace(bucket, need)
  return pace < 1 ? Math.min(Math.ceil(wait / Math.max(pace, 0.001)), 1_000_000) : wait
}

function waitAtPace(bucket: BucketModel, need: number): number {
  const { now } = bucket.limit
  let wait = bucket.tokens < need ? Math.ceil((need - bucket.tokens) / bucket.limit.flow) : 0
  if (bucket.updated > now) wait += bucket.updated - now
  if (roomOf(bucket) >= need) return wait
  const frees = Math.min(
    bucket.leased > 0 ? bucket.earliest : Number.POSITIVE_INFINITY,
    bucket.flying0 > 0 ? bucket.lands0 : Number.POSITIVE_INFINITY,
    bucket.flying1 > 0 ? bucket.lands1 : Number.POSITIVE_INFINITY,
  )
  return frees === Number.POSITIVE_INFINITY ? wait : Math.max(wait, frees - now)
}

/** Takes grains for one decision: they are out for at least one flight from now. */
export function takeOnce(bucket: BucketModel, want: number, flight: number): void {
  const { now } = bucket.limit
  bucket.tokens -= want
  if (bucket.flying1 > 0 && bucket.lands1 - now >= flight) {
    bucket.flying1 += want
    return
  }
  bucket.flying0 += bucket.flying1
  bucket.lands0 = Math.max(bucket.lands0, bucket.lands1)
  bucket.flying1 = want
  bucket.lands1 = now + 2 * flight
}

/** One question of a process about one bucket, in grains and microseconds. */
export interface LeaseQuestion {
  readonly id: string
  readonly question: number
  readonly held: number
  readonly back: number
  readonly need: number
  readonly want: number
  readonly life: number
}

/** The answer: granted, kept, left, wait, 1 if too much is out; −2 first for a question that a newer one has overtaken. */
export function lease(bucket: BucketModel, asked: LeaseQuestion): readonly number[] {
  const { now } = bucket.limit
  // All have lapsed: one that stayed would be taken off again when another lapses.
  if (bucket.leased === 0 || bucket.latest <= now) bucket.leases.clear()
  const own = bucket.leases.get(asked.id)
  const valid = own !== undefined && own.lapses > now
  if (valid && own.question >= asked.question) return [-2, 0, 0, 0, 0]
  sweep(bucket)
  elapse(bucket)
  const had = valid ? own.amount : 0
  const kept = Math.min(asked.held, had)
  bucket.tokens += Math.min(asked.back, had - kept)
  bucket.leased -= had
  const holders = bucket.leases.size + (had === 0 ? 1 : 0)
  const granted = grant(bucket, asked, kept, holders)
  bucket.tokens -= granted
  remember(bucket, asked, kept + granted)
  const wait = waitFor(bucket, Math.max(asked.need, 1))
  return [granted, kept, Math.max(0, bucket.tokens), wait, roomOf(bucket) < bucket.tokens ? 1 : 0]
}

function grant({ tokens, limit }: BucketModel, { need, want }: LeaseQuestion, kept: number, holders: number): number {
  if (want <= 0 || tokens < need) return 0
  const share = Math.max(need, Math.floor(limit.size / (2 * holders)) - kept)
  return need + Math.floor((Math.min(want, tokens, share) - need) / limit.grains) * limit.grains
}

function remember(bucket: BucketModel, { id, life, question }: LeaseQuestion, amount: number): void {
  if (amount === 0) {
    bucket.leases.delete(id)
    return
  }
  const lapses = bucket.limit.now + life
  if (bucket.leased === 0) {
    bucket.earliest = lapses
    bucket.latest = lapses
  }
  bucket.earliest = Math.min(bucket.earliest, lapses)
  bucket.latest = Math.max(bucket.latest, lapses)
  bucket.leased += amount
  bucket.leases.set(id, { amount, lapses, question })
}
