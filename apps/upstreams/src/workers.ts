import type { Clock, Random } from 'holdfast'
import { delay } from './faults/delay.ts'

/** So many requests are worked on at a time; the rest queue, as they would in front of a real service. */
export class Workers {
  readonly #count: number
  readonly #minMs: number
  readonly #maxMs: number
  readonly #clock: Clock
  readonly #random: Random
  readonly #waiting: (() => void)[] = []
  #busy = 0

  /** @param options `count` workers, each taking between `minMs` and `maxMs` for a request */
  constructor(options: { count: number; minMs: number; maxMs: number }, clock: Clock, random: Random) {
    this.#count = options.count
    this.#minMs = options.minMs
    this.#maxMs = options.maxMs
    this.#clock = clock
    this.#random = random
  }

  /**
   * Waits for a worker, and for its work.
   *
   * @param extraMs how much longer than usual the work takes, in milliseconds
   * @returns a function that sends the worker to the next request; a second call does nothing
   */
  async work(extraMs = 0): Promise<() => void> {
    if (this.#busy >= this.#count) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#busy++
    await delay(this.#clock, this.#minMs + this.#random() * (this.#maxMs - this.#minMs) + extraMs)
    let working = true
    return () => {
      if (!working) return
      working = false
      const next = this.#waiting.shift()
      if (next === undefined) this.#busy--
      else next()
    }
  }
}
