import type { Clock } from '../clock.ts'
import { Deadline, type DeadlineQueue, SharedTimer } from './deadline.ts'
import type { StallLog } from './stall-log.ts'

/** For how long an empty list keeps its timer: calls that follow one another shall not each set one, in milliseconds. */
const IDLE_MS = 10

/**
 * Deadlines that all lie equally far ahead, so that they come due in the order in which they were set: a list does, and
 * setting and calling off cost a few nanoseconds.
 */
export class DeadlineList implements DeadlineQueue {
  readonly #durationMs: number = 0
  readonly #timer: SharedTimer
  /** Stands between the last and the first, so that no end of the list is a special case. */
  readonly #ring = new Deadline({ due: () => {} })

  constructor(clock: Clock, durationMs: number, stalls: StallLog) {
    this.#durationMs = durationMs
    this.#timer = new SharedTimer(clock, IDLE_MS, stalls, (now) => this.#expire(now))
  }

  /** Sets a deadline for `durationMs` from now. */
  add(deadline: Deadline, now: number): void {
    const ring = this.#ring
    const last = ring.previous
    deadline.at = now + this.#durationMs
    deadline.queue = this
    deadline.previous = last
    deadline.next = ring
    last.next = deadline
    ring.previous = deadline
    if (last === ring) this.#timer.ensure(deadline.at, now)
  }

  remove(deadline: Deadline): void {
    const { previous, next } = deadline
    previous.next = next
    next.previous = previous
    deadline.queue = undefined
    // So that what is kept for another use keeps no others from being forgotten.
    deadline.previous = deadline
    deadline.next = deadline
    if (previous === next) this.#timer.rest()
  }

  /** What was set at a moment that had passed already is put off by as much: it stands at the end. */
  shift(from: number, until: number): void {
    const early = from + this.#durationMs
    for (let last = this.#ring.previous; last.at === early; last = last.previous) last.at = until + this.#durationMs
  }

  #expire(now: number): number {
    const ring = this.#ring
    for (let first = ring.next; first.at <= now; first = ring.next) {
      this.remove(first)
      first.owner.due(first, now, now - first.at)
    }
    return ring.next.at
  }
}
