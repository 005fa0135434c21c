/** Over how long demand is taken, in milliseconds. */
const WINDOW_MS = 10_000

/**
 * How many calls come, refused ones included: the mean of the last ten seconds, as far as two counters can tell. A burst of
 * twenty calls in an idle hour is two calls a second, and not a thousand.
 */
export class Demand {
  #windowFrom = Number.NEGATIVE_INFINITY
  #present = 0
  #previous = 0

  called(now: number): void {
    if (now >= this.#windowFrom + WINDOW_MS) this.#turn(now)
    this.#present++
  }

  /** Mean time between two calls, in milliseconds. */
  gapMs(now: number): number {
    if (now >= this.#windowFrom + WINDOW_MS) this.#turn(now)
    const share = (now - this.#windowFrom) / WINDOW_MS
    return WINDOW_MS / (this.#present + this.#previous * (1 - share))
  }

  #turn(now: number): void {
    const isNext = now < this.#windowFrom + 2 * WINDOW_MS
    this.#previous = isNext ? this.#present : 0
    this.#present = 0
    this.#windowFrom = isNext ? this.#windowFrom + WINDOW_MS : now
  }
}
