import type { Slot } from '../pipeline/guard.ts'

/** What keeps count of slots by key. */
interface KeyedSlots extends Slot {
  releaseKey(key: string): void
}

/** A slot that counts for its key too. */
export class KeyedSlot implements Slot {
  readonly #slots: KeyedSlots
  readonly #key: string

  constructor(slots: KeyedSlots, key: string) {
    this.#slots = slots
    this.#key = key
  }

  release(): void {
    this.#slots.releaseKey(this.#key)
    this.#slots.release()
  }

  giveBack(): void {
    this.#slots.releaseKey(this.#key)
    this.#slots.giveBack()
  }

  abandon(): void {
    this.#slots.abandon()
  }

  releaseAbandoned(): void {
    this.#slots.releaseKey(this.#key)
    this.#slots.releaseAbandoned()
  }
}
