/** How many of the last values count. */
const WINDOW = 128

/** After how many new values it is worked out anew. */
const STEP = 8

/** A quantile of the last values. */
export class MovingQuantile {
  readonly #share: number = 0
  readonly #leastSamples: number = 0
  readonly #values: number[] = []
  #next = 0
  #sinceSorted = 0
  #quantile: number | undefined

  /** @param leastSamples with fewer values it is not known */
  constructor(share: number, leastSamples: number) {
    this.#share = share
    this.#leastSamples = Math.min(leastSamples, WINDOW)
  }

  /** Undefined while there are too few values. */
  get value(): number | undefined {
    return this.#values.length < this.#leastSamples ? undefined : this.#quantile
  }

  add(value: number): void {
    this.#values[this.#next] = value
    this.#next = (this.#next + 1) % WINDOW
    if (this.#quantile !== undefined && ++this.#sinceSorted < STEP) return
    this.#sinceSorted = 0
    const sorted = this.#values.toSorted((a, b) => a - b)
    this.#quantile = sorted[Math.min(sorted.length - 1, Math.floor(this.#share * sorted.length))]
  }
}
