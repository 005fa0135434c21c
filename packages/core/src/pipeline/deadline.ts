/** Deadlines share timers: a timer for each call would cost thirty times as much as a place in a list (bench: `stack`). */
import type { Clock, Timer } from '../clock.ts'
import type { StallLog } from './stall-log.ts'

/** Who has a deadline. */
export interface DeadlineOwner {
  /** Called at the deadline or later. `lateMs` tells how much later. */
  due(deadline: Deadline, now: number, lateMs: number): void
}

/** Where deadlines wait. */
export interface DeadlineQueue {
  /** Sets a deadline, which must not be set already. */
  add(deadline: Deadline, now: number): void
  remove(deadline: Deadline): void
}

/** A moment at which its owner is told. Made once, set and called off as often as one likes. */
export class Deadline {
  readonly owner: DeadlineOwner
  /** When, on the clock's monotonic scale. */
  at: number = Number.POSITIVE_INFINITY
  /** Where it waits; undefined while it is not set. */
  queue: DeadlineQueue | undefined = undefined
  /** The queue's own: neighbours in a list, index in a heap. */
  previous: Deadline = this
  next: Deadline = this
  index = -1

  constructor(owner: DeadlineOwner) {
    this.owner = owner
  }

  /** Calls it off. Harmless when it is not set. */
  cancel(): void {
    if (this.queue !== undefined) this.queue.remove(this)
  }
}

/**
 * A timer fires on the way to a distant deadline too, so that a stall is seen in which nothing was due: after a 32nd of the
 * way, but no more often than this, in milliseconds. What is shorter does not matter to such a deadline.
 */
const LOOKOUT_MS = 100
const LOOKOUT_SHARE = 1 / 32

/** The one timer of a queue: set for the earliest deadline or earlier. */
export class SharedTimer {
  readonly #clock: Clock
  /** Tells who is due and answers when the next is; Infinity for nobody. */
  readonly #expire: (now: number) => number
  /** For how long it is kept while the queue is empty, in case it is needed again, in milliseconds. */
  readonly #idleMs: number = 0
  readonly #stalls: StallLog
  #resting = false
  #timer: Timer | undefined = undefined
  #at = Number.POSITIVE_INFINITY
  #idleTimer: Timer | undefined = undefined

  constructor(clock: Clock, idleMs: number, stalls: StallLog, expire: (now: number) => number) {
    this.#clock = clock
    this.#stalls = stalls
    this.#expire = expire
    this.#idleMs = idleMs
  }

  /** Sees to it that the timer fires at `at`, or before: whoever is woken too early sets it again. */
  ensure(at: number, now: number): void {
    this.#resting = false
    if (at >= this.#at) return
    this.#timer?.cancel()
    const wayMs = Math.max(0, at - now)
    const delayMs = Math.min(wayMs, Math.max(LOOKOUT_MS, wayMs * LOOKOUT_SHARE))
    this.#at = now + delayMs
    this.#timer = this.#clock.setTimer(this.#fire, delayMs)
  }

  /** The queue is empty. A process that has nothing else to do must not be kept up by its timer. */
  rest(): void {
    this.#resting = true
    if (this.#idleMs === 0) this.#stop()
    else if (this.#idleTimer === undefined) this.#idleTimer = this.#clock.setTimer(this.#stop, this.#idleMs)
  }

  readonly #fire = (): void => {
    const due = this.#at
    this.#timer = undefined
    this.#at = Number.POSITIVE_INFINITY
    const now = this.#clock.now()
    this.#stalls.note(due, now)
    const next = this.#expire(now)
    if (next !== Number.POSITIVE_INFINITY) this.ensure(next, now)
  }

  readonly #stop = (): void => {
    this.#idleTimer = undefined
    if (!this.#resting) return
    this.#timer?.cancel()
    this.#timer = undefined
    this.#at = Number.POSITIVE_INFINITY
  }
}
