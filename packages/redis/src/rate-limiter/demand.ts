/** How much was wanted lately: a sum that fades. */
export class Demand {
  readonly #fadesMs: number
  #level = 0
  #at: number

  /** @param fadesMs after this long a third of it is left, in milliseconds */
  constructor(fadesMs: number, now: number) {
    this.#fadesMs = fadesMs
    this.#at = now
  }

  add(amount: number, now: number): void {
    this.#level = this.level(now) + amount
    this.#at = now
  }

  /** For a steady demand: what is wanted in `fadesMs`. */
  level(now: number): number {
    const elapsed = now - this.#at
    return elapsed <= 0 ? this.#level : this.#level * Math.exp(-elapsed / this.#fadesMs)
  }
}
