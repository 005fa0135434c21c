import type { KeptValue } from './sourced.ts'

/** The last good values, so many at most: what was used longest ago goes first. */
export class LastValues<T> {
  readonly #values = new Map<string, KeptValue<T>>()
  readonly #most: number

  /** @param most how many are kept */
  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#values.size
  }

  get(key: string): KeptValue<T> | undefined {
    const kept = this.#values.get(key)
    if (kept !== undefined) this.#touch(key, kept)
    return kept
  }

  set(key: string, value: KeptValue<T>): void {
    this.#touch(key, value)
    for (const oldest of this.#values.keys()) {
      if (this.#values.size <= this.#most) return
      this.#values.delete(oldest)
    }
  }

  /** A map keeps the order in which keys were added. */
  #touch(key: string, value: KeptValue<T>): void {
    this.#values.delete(key)
    this.#values.set(key, value)
  }
}
