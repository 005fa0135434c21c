/** The outcomes of the last calls, or of the last while: counted in constant time, in memory that never grows. */

/** What a circuit breaker asks of a window. */
export interface OutcomeWindow {
  /** How many outcomes it holds. */
  readonly calls: number
  /** How many of them were failures. */
  readonly failures: number
  /** How many of them took too long, whether or not they failed. */
  readonly slow: number
  /** Adds an outcome. @param now on the monotonic scale; a window of calls does not look at it */
  record(failed: boolean, slow: boolean, now: number): void
  /** Forgets outcomes that are too old by now. */
  advance(now: number): void
  clear(): void
}

/** The last so many calls: a ring of one byte each. */
export class CallWindow implements OutcomeWindow {
  calls = 0
  failures = 0
  slow = 0
  /** Of each call: 1 when it failed, 2 when it was slow, 3 for both. */
  readonly #ring: Uint8Array
  #next = 0

  constructor(size: number) {
    this.#ring = new Uint8Array(size)
  }

  record(failed: boolean, slow: boolean): void {
    const ring = this.#ring
    const index = this.#next
    const outcome = (failed ? 1 : 0) | (slow ? 2 : 0)
    const forgotten = ring[index] ?? 0
    // What follows is for outcomes that are not the same as those they take the place of; most are.
    if (outcome !== forgotten) {
      ring[index] = outcome
      this.failures += (outcome & 1) - (forgotten & 1)
      this.slow += (outcome >> 1) - (forgotten >> 1)
    }
    this.#next = index + 1 === ring.length ? 0 : index + 1
    if (this.calls < ring.length) this.calls++
  }

  advance(): void {}

  clear(): void {
    this.#ring.fill(0)
    this.#next = 0
    this.calls = 0
    this.failures = 0
    this.slow = 0
  }
}

/** In so many parts a window of time moves on. */
const SLICES = 16

/** The last while: sums of slices, the oldest of which is forgotten as a whole. It covers 15/16 to all of `durationMs`. */
export class TimeWindow implements OutcomeWindow {
  calls = 0
  failures = 0
  slow = 0
  readonly #sliceMs: number = 0
  readonly #calls = new Uint32Array(SLICES)
  readonly #failures = new Uint32Array(SLICES)
  readonly #slow = new Uint32Array(SLICES)
  #slice = 0
  /** When the present slice ends. */
  #until = Number.NEGATIVE_INFINITY

  constructor(durationMs: number) {
    this.#sliceMs = durationMs / SLICES
  }

  record(failed: boolean, slow: boolean, now: number): void {
    if (now >= this.#until) this.advance(now)
    const slice = this.#slice
    this.#calls[slice] = (this.#calls[slice] ?? 0) + 1
    this.calls++
    if (failed) {
      this.#failures[slice] = (this.#failures[slice] ?? 0) + 1
      this.failures++
    }
    if (slow) {
      this.#slow[slice] = (this.#slow[slice] ?? 0) + 1
      this.slow++
    }
  }

  advance(now: number): void {
    if (now < this.#until) return
    const passed = Math.floor((now - this.#until) / this.#sliceMs) + 1
    if (passed >= SLICES) {
      this.clear()
      this.#until = now + this.#sliceMs
      return
    }
    for (let step = 0; step < passed; step++) this.#forgetOldest()
    this.#until += passed * this.#sliceMs
  }

  #forgetOldest(): void {
    const slice = (this.#slice + 1) % SLICES
    this.#slice = slice
    this.calls -= this.#calls[slice] ?? 0
    this.failures -= this.#failures[slice] ?? 0
    this.slow -= this.#slow[slice] ?? 0
    this.#calls[slice] = 0
    this.#failures[slice] = 0
    this.#slow[slice] = 0
  }

  clear(): void {
    for (const counts of [this.#calls, this.#failures, this.#slow]) counts.fill(0)
    this.calls = 0
    this.failures = 0
    this.slow = 0
  }
}
