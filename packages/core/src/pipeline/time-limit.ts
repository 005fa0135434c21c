import { Deadline, type DeadlineOwner, type DeadlineQueue } from './deadline.ts'
import { LATE_TIMER_MS } from './stall-log.ts'

/** What is left after such a stall, so that an answer which is there already can be read, in milliseconds. */
export const GRACE_MS = 20

/** Who is told that a time limit has passed. `stalled` says that our own event loop was late: nobody else is to blame. */
export interface TimeLimitOwner {
  /** Where deadlines of {@link GRACE_MS} wait. */
  readonly graceDeadlines: DeadlineQueue
  timedOut(limit: TimeLimit, now: number, stalled: boolean): void
}

/** A time limit that does not take a stall of our own event loop for the silence of a service. */
export class TimeLimit implements DeadlineOwner {
  readonly #deadline = new Deadline(this)
  readonly #owner: TimeLimitOwner
  #stalled = false

  constructor(owner: TimeLimitOwner) {
    this.#owner = owner
  }

  get isSet(): boolean {
    return this.#deadline.queue !== undefined
  }

  /** @param queue where limits of this length wait */
  set(queue: DeadlineQueue, now: number): void {
    queue.add(this.#deadline, now)
  }

  cancel(): void {
    this.#stalled = false
    this.#deadline.cancel()
  }

  due(deadline: Deadline, now: number, lateMs: number): void {
    if (lateMs > LATE_TIMER_MS && !this.#stalled) {
      this.#stalled = true
      this.#owner.graceDeadlines.add(deadline, now)
      return
    }
    const stalled = this.#stalled
    this.#stalled = false
    this.#owner.timedOut(this, now, stalled)
  }
}
