import type { Clock } from 'holdfast'

/** How often the event loop is asked how late it is, in milliseconds. */
const TICK_MS = 10

/**
 * How long work waits for the event loop. A timer is set again and again, and what it comes late is the delay; a timer that
 * is overdue tells of the present turn before it has run. It ticks only while somebody asks, and keeps no process alive.
 */
export class EventLoopDelay {
  readonly #clock: Clock
  #dueAt = Number.POSITIVE_INFINITY
  #isAskedFor = false
  /** Of the last ticks, the latest counting half. */
  #averageMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The delay in milliseconds, by the last ticks or by what is overdue, whichever is longer. */
  read(): number {
    const now = this.#clock.now()
    if (this.#dueAt === Number.POSITIVE_INFINITY) this.#next(now)
    this.#isAskedFor = true
    return Math.max(this.#averageMs, now - this.#dueAt)
  }

  #next(now: number): void {
    this.#dueAt = now + TICK_MS
    this.#isAskedFor = false
    this.#clock.setTimer(() => this.#tick(), TICK_MS, false)
  }

  #tick(): void {
    const now = this.#clock.now()
    this.#averageMs = (this.#averageMs + Math.max(0, now - this.#dueAt)) / 2
    if (this.#isAskedFor) {
      this.#next(now)
      return
    }
    this.#dueAt = Number.POSITIVE_INFINITY
    this.#averageMs = 0
  }
}
