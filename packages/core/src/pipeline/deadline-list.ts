import type { Clock } from '../clock.ts'
import { type Deadline, type DeadlineQueue, SharedTimer } from './deadline.ts'

/** For how long an empty list keeps its timer: calls that follow one another shall not each set one, in milliseconds. */
const IDLE_MS = 10

/**
 * Deadlines that all lie equally far ahead, so that they come due in the order in which they were set: a list does, and
 * setting and calling off cost a few nanoseconds.
 */
export class DeadlineList implements DeadlineQueue {
  readonly #durationMs: number
  readonly #timer: SharedTimer
  #first: Deadline | undefined = undefined
  #last: Deadline | undefined = undefined

  constructor(clock: Clock, durationMs: number) {
    this.#durationMs = durationMs
    this.#timer = new SharedTimer(clock, IDLE_MS, (now) => this.#expire(now))
  }

  /** Sets a deadline for `durationMs` from now. */
  add(deadline: Deadline, now: number): void {
    deadline.at = now + this.#durationMs
    deadline.queue = this
    const last = this.#last
    deadline.previous = last
    this.#last = deadline
    if (last !== undefined) {
      last.next = deadline
      return
    }
    this.#first = deadline
    this.#timer.ensure(deadline.at, now)
  }

  remove(deadline: Deadline): void {
    const { previous, next } = deadline
    if (previous === undefined) this.#first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    deadline.queue = undefined
    deadline.previous = undefined
    deadline.next = undefined
    if (this.#first === undefined) this.#timer.rest()
  }

  #expire(now: number): number {
    for (let first = this.#first; first !== undefined && first.at <= now; first = this.#first) {
      this.remove(first)
      first.owner.due(first, now, now - first.at)
    }
    return this.#first?.at ?? Number.POSITIVE_INFINITY
  }
}
