import type { Clock } from '../clock.ts'

/**
 * Two readings that follow one another this quickly belong to a storm of calls, in milliseconds. Only calls that nothing
 * lies between come so quickly: the requests of a server do not, and the timer would cost them more than a reading each
 * (bench: `http`).
 */
const STORM_GAP_MS = 0.001

/** How often a reading is used in a storm, and for how long at most, in milliseconds. */
const USES = 64
const USABLE_MS = 2

/** A reading that was used for longer was so because the event loop stood still. */
const STALL_MS = 3 * USABLE_MS

/**
 * Reads a clock, in a storm of calls once for many of them: a reading costs as much as the call that is measured (bench:
 * `stack`). So in a storm a time may be up to 2 ms old. It never lies ahead: a limiter gives no token out early.
 *
 * Only when the event loop stands still may it be older. Who reckons with it is told, and can make up for that.
 */
export class Reading {
  readonly #clock: Clock
  /** Told that what was taken to be one moment has lasted from the one time to the other. */
  readonly #onStall: (from: number, until: number) => void
  #at = Number.NEGATIVE_INFINITY
  #usesLeft = 0
  #isShared = false
  #hasTimer = false

  constructor(clock: Clock, onStall: (from: number, until: number) => void) {
    this.#clock = clock
    this.#onStall = onStall
  }

  now(): number {
    // One way out for both: a number that two ways lead to is boxed on the way (bench: `stack`).
    if (this.#usesLeft === 0) this.#read()
    else this.#usesLeft--
    return this.#at
  }

  #read(): void {
    const wasShared = this.#isShared
    const lastedMs = this.#renew()
    if (lastedMs > (wasShared ? USABLE_MS : STORM_GAP_MS)) return
    this.#isShared = true
    this.#usesLeft = USES - 1
    if (!this.#hasTimer) {
      this.#hasTimer = true
      this.#clock.setTimer(this.#end, USABLE_MS, false)
    }
  }

  readonly #end = (): void => {
    this.#hasTimer = false
    if (this.#isShared) this.#renew()
  }

  /** @returns how long the last reading was in use */
  #renew(): number {
    const from = this.#at
    const now = this.#clock.now()
    this.#at = now
    if (this.#isShared && now - from > STALL_MS) this.#onStall(from, now)
    this.#isShared = false
    this.#usesLeft = 0
    return now - from
  }
}
