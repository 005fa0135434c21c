import type { Clock } from '../clock.ts'
import { type Deadline, type DeadlineQueue, SharedTimer } from './deadline.ts'
import type { StallLog } from './stall-log.ts'

/** Deadlines of any length: a binary heap with the earliest on top, and one timer for all. */
export class DeadlineHeap {
  readonly #heap: Deadline[] = []
  readonly #timer: SharedTimer

  constructor(clock: Clock, stalls: StallLog) {
    this.#timer = new SharedTimer(clock, 0, stalls, (now) => this.#expire(now))
  }

  /** A queue for deadlines of one length within this heap. */
  queue(durationMs: number): DeadlineQueue {
    const queue: DeadlineQueue = {
      add: (deadline, now) => this.#add(deadline, now + durationMs, now, queue),
      remove: (deadline) => this.#remove(deadline),
    }
    return queue
  }

  #add(deadline: Deadline, at: number, now: number, queue: DeadlineQueue): void {
    deadline.at = at
    deadline.queue = queue
    this.#heap.push(deadline)
    this.#rise(deadline, this.#heap.length - 1)
    this.#timer.ensure(at, now)
  }

  #remove(deadline: Deadline): void {
    const { index } = deadline
    deadline.queue = undefined
    deadline.index = -1
    const last = this.#heap.pop()
    if (last !== undefined && last !== deadline) {
      this.#sink(last, index)
      this.#rise(last, last.index)
    }
    if (this.#heap.length === 0) this.#timer.rest()
  }

  #rise(deadline: Deadline, from: number): void {
    let index = from
    while (index > 0) {
      const parentIndex = (index - 1) >> 1
      const parent = this.#heap[parentIndex]
      if (parent === undefined || parent.at <= deadline.at) break
      this.#put(parent, index)
      index = parentIndex
    }
    this.#put(deadline, index)
  }

  #sink(deadline: Deadline, from: number): void {
    let index = from
    for (;;) {
      const left = this.#heap[2 * index + 1]
      const right = this.#heap[2 * index + 2]
      const child = right !== undefined && left !== undefined && right.at < left.at ? right : left
      if (child === undefined || child.at >= deadline.at) break
      const childIndex = child.index
      this.#put(child, index)
      index = childIndex
    }
    this.#put(deadline, index)
  }

  #put(deadline: Deadline, index: number): void {
    this.#heap[index] = deadline
    deadline.index = index
  }

  #expire(now: number): number {
    for (let first = this.#heap[0]; first !== undefined && first.at <= now; first = this.#heap[0]) {
      this.#remove(first)
      first.owner.due(first, now, now - first.at)
    }
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY
  }
}
