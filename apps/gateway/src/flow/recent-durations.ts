/** How long answers took lately: the last few hundred, none older than a minute. */

/** How many are kept, and how long each counts, in milliseconds. */
const KEPT = 512
const COUNTS_FOR_MS = 60_000

/** Three percentiles, in milliseconds. */
export interface Percentiles {
  readonly p50Ms: number
  readonly p90Ms: number
  readonly p99Ms: number
}

/** A ring of durations. */
export class RecentDurations {
  readonly #durations = new Float64Array(KEPT)
  readonly #times = new Float64Array(KEPT).fill(Number.NEGATIVE_INFINITY)
  #next = 0

  /** @param now on a monotonic scale, in milliseconds */
  add(durationMs: number, now: number): void {
    this.#durations[this.#next] = durationMs
    this.#times[this.#next] = now
    this.#next = (this.#next + 1) % KEPT
  }

  /** Of what still counts, by nearest rank; undefined when nothing does. */
  percentiles(now: number): Percentiles | undefined {
    const recent = this.#durations.filter((_, index) => now - (this.#times[index] ?? 0) <= COUNTS_FOR_MS).sort()
    if (recent.length === 0) return undefined
    const rank = (share: number): number => recent[Math.ceil(share * recent.length) - 1] ?? 0
    return { p50Ms: rank(0.5), p90Ms: rank(0.9), p99Ms: rank(0.99) }
  }
}
