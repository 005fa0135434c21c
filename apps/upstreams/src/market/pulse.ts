import type { Clock } from 'holdfast'
import { FILL_AFTER_MS } from './fills.ts'
import type { MarketClock } from './market-clock.ts'

/** How often, in milliseconds. */
const BEAT_MS = 250

/** Looks at the market again and again, for those who are told of what happens without asking. */
export class Pulse {
  readonly #clock: Clock
  readonly #marketClock: () => MarketClock
  readonly #beat: () => boolean
  #beating = false

  /** @param beat looks; returns whether it wants to look again */
  constructor(clock: Clock, marketClock: () => MarketClock, beat: () => boolean) {
    this.#clock = clock
    this.#marketClock = marketClock
    this.#beat = beat
  }

  /** Looks as soon as a new order can have been filled, and from then on for as long as it is wanted. */
  start(): void {
    const { speed } = this.#marketClock()
    // A millisecond more, because the market's time comes in whole ones.
    if (speed > 0) this.#clock.setTimer(() => this.#beat(), FILL_AFTER_MS / speed + 1, false)
    if (this.#beating) return
    this.#beating = true
    this.#next()
  }

  #next(): void {
    this.#clock.setTimer(
      () => {
        this.#beating = this.#beat()
        if (this.#beating) this.#next()
      },
      BEAT_MS,
      false,
    )
  }
}
