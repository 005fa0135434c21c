import type { Clock } from 'holdfast'

/** An answer that nobody has begun to read by then is nobody's wait any more, in milliseconds. */
const UNREAD_AFTER_MS = 1_000

/** Answers that nobody has begun to read. They share a timer: one for each would cost as much as a guard (bench: `guard-fetch`). */
export class UnreadAnswers {
  readonly #clock: Clock
  /** Who is told and when, the first to come first. */
  readonly #waiting = new Map<() => void, number>()
  #hasTimer = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param overdue told after a second, unless it is removed before */
  add(overdue: () => void): void {
    this.#waiting.set(overdue, this.#clock.now() + UNREAD_AFTER_MS)
    this.#setTimer(UNREAD_AFTER_MS)
  }

  remove(overdue: () => void): void {
    this.#waiting.delete(overdue)
  }

  #setTimer(delayMs: number): void {
    if (this.#hasTimer) return
    this.#hasTimer = true
    this.#clock.setTimer(this.#tell, delayMs, false)
  }

  readonly #tell = (): void => {
    this.#hasTimer = false
    const now = this.#clock.now()
    for (const [overdue, at] of this.#waiting) {
      if (at > now) return this.#setTimer(at - now)
      this.#waiting.delete(overdue)
      overdue()
    }
  }
}
