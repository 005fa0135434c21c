/** How long attempts take: percentiles over the last while, in memory that never grows. */
import type { Clock } from '../clock.ts'

/** How long the attempts of the last minute took. */
export interface LatencySnapshot {
  /** How many attempts that is. */
  readonly count: number
  /** So long half of them took at most, in milliseconds. */
  readonly p50Ms: number
  readonly p90Ms: number
  readonly p99Ms: number
}

/** In so many parts the window moves on, and how long each is, in milliseconds: a minute in all. */
const SLICES = 6
const SLICE_MS = 10_000

/** Sixteen buckets for each doubling, from 1/64 ms up to 2^22 ms (70 minutes): a percentile is right to 3 %. */
const STEPS_LOG2 = 4
const STEPS = 2 ** STEPS_LOG2
const LOWEST_LOG2 = -6
const BUCKETS = (22 - LOWEST_LOG2) * STEPS

/**
 * The bits of a number in single precision are its logarithm, more or less: exponent, then mantissa. Cut off after the
 * mantissa's fourth bit they number buckets that grow by a sixteenth of a doubling.
 */
const MANTISSA_BITS = 23
const FIRST_BUCKET = (127 + LOWEST_LOG2) << STEPS_LOG2
const single = new Float32Array(1)
const bits = new Uint32Array(single.buffer)

function bucketOf(durationMs: number): number {
  single[0] = Math.max(0, durationMs)
  const bucket = ((bits[0] ?? 0) >>> (MANTISSA_BITS - STEPS_LOG2)) - FIRST_BUCKET
  return bucket < 0 ? 0 : bucket >= BUCKETS ? BUCKETS - 1 : bucket
}

/** The middle of a bucket. */
function durationOf(bucket: number): number {
  const doublings = Math.floor(bucket / STEPS) + LOWEST_LOG2
  return 2 ** doublings * (1 + ((bucket % STEPS) + 0.5) / STEPS)
}

/**
 * A histogram of durations over the last minute, on a logarithmic scale. An attempt that was given up counts with the time
 * it was given; one that says nothing about the service (cancelled, throttled) does not count.
 */
export class LatencyStatistics {
  readonly #clock: Clock
  /** One slice after the other. */
  readonly #slices = new Uint32Array(SLICES * BUCKETS)
  /** The sum of all slices. */
  readonly #all = new Uint32Array(BUCKETS)
  /** Where the present slice begins, and when it ends. */
  #slice = 0
  #until = Number.NEGATIVE_INFINITY
  #count = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Adds an attempt that ended now. */
  record(durationMs: number, now: number): void {
    if (now >= this.#until) this.#advance(now)
    const bucket = bucketOf(durationMs)
    add(this.#slices, this.#slice + bucket, 1)
    add(this.#all, bucket, 1)
    this.#count++
  }

  /** So long a share of the attempts took at most, in milliseconds; undefined without attempts. @param share from 0 to 1 */
  quantileMs(share: number): number | undefined {
    this.#advance(this.#clock.now())
    let left = Math.max(1, Math.ceil(share * this.#count))
    const bucket = this.#all.findIndex((count) => {
      left -= count
      return left <= 0
    })
    return bucket < 0 ? undefined : durationOf(bucket)
  }

  /** Null without attempts in the last minute. */
  snapshot(): LatencySnapshot | null {
    const p50Ms = this.quantileMs(0.5)
    const p90Ms = this.quantileMs(0.9)
    const p99Ms = this.quantileMs(0.99)
    if (p50Ms === undefined || p90Ms === undefined || p99Ms === undefined) return null
    return { count: this.#count, p50Ms, p90Ms, p99Ms }
  }

  #advance(now: number): void {
    if (now < this.#until) return
    const passed = Math.min(SLICES, Math.floor((now - this.#until) / SLICE_MS) + 1)
    for (let step = 0; step < passed; step++) this.#forgetOldest()
    this.#until = passed === SLICES ? now + SLICE_MS : this.#until + passed * SLICE_MS
  }

  #forgetOldest(): void {
    this.#slice = (this.#slice + BUCKETS) % this.#slices.length
    const oldest = this.#slices.subarray(this.#slice, this.#slice + BUCKETS)
    for (const [bucket, count] of oldest.entries()) {
      if (count === 0) continue
      add(this.#all, bucket, -count)
      this.#count -= count
    }
    oldest.fill(0)
  }
}

function add(counts: Uint32Array, index: number, count: number): void {
  counts[index] = (counts[index] ?? 0) + count
}
