import { type Clock, systemClock } from '../clock.ts'
import type { DeadlineQueue } from './deadline.ts'
import { DeadlineHeap } from './deadline-heap.ts'
import { DeadlineList } from './deadline-list.ts'
import { Reading } from './reading.ts'
import { StallLog } from './stall-log.ts'

/** So many lengths have a list of their own. A program has a handful; what is beyond is computed, and goes to the heap. */
const MOST_LISTS = 32

/** All deadlines that are measured by one clock. */
export class Deadlines {
  /** What time it is, for those who set deadlines: the system's clock is read once for many of them. */
  readonly reading: Pick<Clock, 'now'>
  /** When our own event loop stood still. */
  readonly stalls: StallLog = new StallLog()
  readonly #clock: Clock
  readonly #lists = new Map<number, DeadlineList>()
  readonly #heap: DeadlineHeap

  constructor(clock: Clock) {
    this.#clock = clock
    this.#heap = new DeadlineHeap(clock, this.stalls)
    this.reading = clock === systemClock ? new Reading(clock, (from, until) => this.#shift(from, until)) : clock
  }

  /** Where deadlines of a length wait that is used again and again. */
  listFor(durationMs: number): DeadlineQueue {
    const known = this.#lists.get(durationMs)
    if (known !== undefined) return known
    if (this.#lists.size >= MOST_LISTS) return this.#heap.queue(durationMs)
    const list = new DeadlineList(this.#clock, durationMs, this.stalls)
    this.#lists.set(durationMs, list)
    return list
  }

  #shift(from: number, until: number): void {
    for (const list of this.#lists.values()) list.shift(from, until)
  }

  /** Where a deadline of a length waits that may never be used again: a backoff, a limit that one caller gave. */
  queueFor(durationMs: number): DeadlineQueue {
    return this.#lists.get(durationMs) ?? this.#heap.queue(durationMs)
  }
}

const byClock = new WeakMap<Clock, Deadlines>()

/** The deadlines of a clock: one set for all pipelines that use it. */
export function deadlinesOf(clock: Clock): Deadlines {
  const known = byClock.get(clock)
  if (known !== undefined) return known
  const deadlines = new Deadlines(clock)
  byClock.set(clock, deadlines)
  return deadlines
}
