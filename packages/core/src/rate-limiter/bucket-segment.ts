/** How many slots a segment has at least: a power of two. */
const FEWEST_SLOTS = 64

/** Words from one slot to the next. */
const STRIDE = 4

/** A slot that nobody has. */
const NOTHING = new Int32Array(STRIDE)

/**
 * A part of a table of clients: open addressing over typed arrays, 16 bytes a slot, so that a client is found in one cache
 * line. A slot is two words of hash and, in the two words behind them, when the client's bucket is full, as a float.
 */
export class BucketSegment {
  /** By how many of the first bits of their hash those in it are alike. */
  readonly depth: number
  /** How many clients it holds. */
  count = 0
  /** No bucket in it is full before. */
  soonest: number = Number.POSITIVE_INFINITY
  /** Whose it is; undefined when its clients have moved to another. */
  table: object | undefined
  #words: Int32Array
  #floats: Float64Array
  #lastWord = 0

  /**
   * @param table whose it is
   * @param clients how many it begins with; there is room for more than half as many again
   * @param memory of a segment that gave it up: used again, if the size is right
   */
  constructor(table: object, depth: number, clients: number, memory?: Int32Array) {
    this.table = table
    const slots = Math.max(FEWEST_SLOTS, 2 ** Math.ceil(Math.log2(2 * clients)))
    const length = slots * STRIDE
    this.depth = depth
    this.#words = memory?.length === length ? memory.fill(0) : new Int32Array(length)
    this.#floats = new Float64Array(this.#words.buffer)
    this.#lastWord = length - 1
  }

  /** Whether it should take no more: beyond four fifths of the slots the way to a free one gets long. */
  get isFull(): boolean {
    return this.count * STRIDE > 0.8 * this.#lastWord
  }

  /** Where a client is, −1 for nowhere. @param high never 0 */
  find(low: number, high: number): number {
    const words = this.#words
    const last = this.#lastWord
    for (let slot = (low * STRIDE) & last; ; slot = (slot + STRIDE) & last) {
      const found = words[slot + 1]
      if (found === high && words[slot] === low) return slot
      if (found === 0) return -1
    }
  }

  /** When the bucket in a slot is full. */
  fullAt(slot: number): number {
    return this.#floats[(slot >> 1) + 1] ?? 0
  }

  save(slot: number, fullAt: number): void {
    this.#floats[(slot >> 1) + 1] = fullAt
    if (fullAt < this.soonest) this.soonest = fullAt
  }

  /** Adds a client that is not there. @returns where it is now */
  add(low: number, high: number, fullAt: number): number {
    const words = this.#words
    const last = this.#lastWord
    let slot = (low * STRIDE) & last
    while (words[slot + 1] !== 0) slot = (slot + STRIDE) & last
    words[slot] = low
    words[slot + 1] = high
    this.count++
    this.save(slot, fullAt)
    return slot
  }

  /** Shows those whose bucket is not full at a time. */
  forEachInDebt(at: number, show: (low: number, high: number, fullAt: number) => void): void {
    const words = this.#words
    for (let slot = 0; slot < words.length; slot += STRIDE) {
      const high = words[slot + 1] ?? 0
      const fullAt = this.fullAt(slot)
      if (high !== 0 && fullAt > at) show(words[slot] ?? 0, high, fullAt)
    }
  }

  /** Its clients have moved. Who still remembers a place in it keeps no memory alive with that. @returns what it had */
  giveUp(): Int32Array {
    const words = this.#words
    this.table = undefined
    this.#words = NOTHING
    this.#floats = new Float64Array(NOTHING.buffer)
    this.#lastWord = STRIDE - 1
    return words
  }

  /** How many they are; corrects {@link soonest}. */
  countInDebt(at: number): number {
    let count = 0
    let soonest = Number.POSITIVE_INFINITY
    this.forEachInDebt(Number.NEGATIVE_INFINITY, (_low, _high, fullAt) => {
      if (fullAt > at) count++
      if (fullAt < soonest) soonest = fullAt
    })
    this.soonest = soonest
    return count
  }
}
