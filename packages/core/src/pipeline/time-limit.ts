import { Deadline, type DeadlineOwner, type DeadlineQueue } from './deadline.ts'
import type { Deadlines } from './deadlines.ts'

/** A timer that fires later than this was held up by our own event loop, in milliseconds. */
const LATE_TIMER_MS = 20

/** What is left after such a stall, so that an answer which is there already can be read. */
const GRACE_MS = 20

/** A time limit that does not take a stall of our own event loop for the silence of a service. */
export class TimeLimit implements DeadlineOwner {
  readonly #deadline: Deadline
  /** `stalled` says that our own event loop was late, so that nobody else is to blame. */
  readonly #onPassed: (now: number, stalled: boolean) => void
  #deadlines: Deadlines | undefined = undefined
  #stalled = false

  constructor(onPassed: (now: number, stalled: boolean) => void) {
    this.#deadline = new Deadline(this)
    this.#onPassed = onPassed
  }

  get isSet(): boolean {
    return this.#deadline.queue !== undefined
  }

  /** @param queue where limits of this length wait @param deadlines all that the clock has */
  set(queue: DeadlineQueue, deadlines: Deadlines, now: number): void {
    this.#stalled = false
    this.#deadlines = deadlines
    queue.add(this.#deadline, now)
  }

  cancel(): void {
    this.#deadline.cancel()
  }

  due(deadline: Deadline, now: number, lateMs: number): void {
    if (lateMs > LATE_TIMER_MS && !this.#stalled) {
      this.#stalled = true
      this.#deadlines?.listFor(GRACE_MS).add(deadline, now)
    } else {
      this.#onPassed(now, this.#stalled)
    }
  }
}
