/** A lease that nobody holds. */
const FREE = Number.NEGATIVE_INFINITY

/** The probes of a half-open circuit that may run: each holds a lease, and one that outlives it has failed. */
export class ProbeLeases {
  readonly #begun: number[]
  readonly #durationMs: number = 0

  constructor(count: number, durationMs: number) {
    this.#begun = Array.from({ length: count }, () => FREE)
    this.#durationMs = durationMs
  }

  /** How many are held. */
  get held(): number {
    return this.#begun.filter((begun) => begun !== FREE).length
  }

  /** @returns the number of the lease; −1 when all are held */
  take(now: number): number {
    const lease = this.#begun.indexOf(FREE)
    if (lease >= 0) this.#begun[lease] = now
    return lease
  }

  giveBack(lease: number): void {
    this.#begun[lease] = FREE
  }

  giveAllBack(): void {
    this.#begun.fill(FREE)
  }

  /** When a lease ended that is still held; undefined when none did. */
  lapsedAt(now: number): number | undefined {
    const begun = this.#begun.find((each) => each !== FREE && now - each >= this.#durationMs)
    return begun === undefined ? undefined : begun + this.#durationMs
  }

  /** How long until one is free or has ended, in milliseconds. */
  waitMs(now: number): number {
    return this.#begun.includes(FREE) ? 0 : Math.max(0, Math.min(...this.#begun) + this.#durationMs - now)
  }
}
