/** What is due, in order. */

/** Something that happens once, at a time. */
export interface Due {
  readonly at: number
  /** Of things due at the same time, which was asked for first. */
  readonly order: number
  readonly callback: () => void
  readonly keepsAlive: boolean
  /** Called off, or already done. */
  over: boolean
}

/**
 * A binary heap by time, then by order. What is called off stays in it until its time, or until half of it is such: most
 * timers of a resilient program are time limits that are never reached, and to look each up would cost more than to keep it.
 */
export class EventQueue {
  readonly #heap: Due[] = []
  #waiting = 0

  /** How many wait that are not called off. */
  get waiting(): number {
    return this.#waiting
  }

  /** Those that wait, in no particular order. */
  *[Symbol.iterator](): Iterator<Due> {
    for (const due of this.#heap) if (!due.over) yield due
  }

  /** The first, if any waits. */
  get first(): Due | undefined {
    while (this.#heap[0]?.over) this.#removeRoot()
    return this.#heap[0]
  }

  add(due: Due): void {
    this.#waiting++
    this.#heap.push(due)
    this.#rise(this.#heap.length - 1)
  }

  cancel(due: Due): void {
    if (due.over) return
    due.over = true
    this.#waiting--
    if (this.#heap.length > 64 && this.#waiting * 2 < this.#heap.length) this.#compact()
  }

  /** Takes the first out. */
  take(): Due | undefined {
    const { first } = this
    if (first === undefined) return undefined
    first.over = true
    this.#waiting--
    this.#removeRoot()
    return first
  }

  clear(): void {
    for (const due of this.#heap) due.over = true
    this.#heap.length = 0
    this.#waiting = 0
  }

  #compact(): void {
    const left = this.#heap.filter((due) => !due.over).sort(inOrder)
    this.#heap.length = 0
    // A sorted array is a heap.
    for (const due of left) this.#heap.push(due)
  }

  #removeRoot(): void {
    const last = this.#heap.pop()
    if (last === undefined || this.#heap.length === 0) return
    this.#heap[0] = last
    this.#sink(0)
  }

  #rise(start: number): void {
    const heap = this.#heap
    const due = heap[start]
    if (due === undefined) return
    let index = start
    while (index > 0) {
      const above = (index - 1) >> 1
      const parent = heap[above]
      if (parent === undefined || inOrder(parent, due) <= 0) break
      heap[index] = parent
      index = above
    }
    heap[index] = due
  }

  #sink(start: number): void {
    const heap = this.#heap
    const due = heap[start]
    if (due === undefined) return
    let index = start
    for (;;) {
      const left = heap[2 * index + 1]
      const right = heap[2 * index + 2]
      if (left === undefined) break
      const isRight = right !== undefined && inOrder(right, left) < 0
      const child = isRight ? right : left
      if (inOrder(due, child) <= 0) break
      heap[index] = child
      index = 2 * index + (isRight ? 2 : 1)
    }
    heap[index] = due
  }
}

function inOrder(a: Due, b: Due): number {
  return a.at - b.at || a.order - b.order
}
