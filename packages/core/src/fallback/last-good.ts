import { type Clock, systemClock } from '../clock.ts'
import { checkOptions, clockRule, durationMs, type Rules, wholeNumber } from '../options.ts'

/** Options of a memory of last good values. */
export interface LastGoodOptions {
  /** How old a value may be to stand in for a new one, in milliseconds. */
  readonly maxAgeMs: number
  /** How many keys are remembered; what was used longest ago is forgotten first. Default 1,000. */
  readonly maxEntries?: number | undefined
  /** Source of time. Default: the system's. */
  readonly clock?: Clock | undefined
}

const LAST_GOOD_RULES: Rules<LastGoodOptions> = {
  maxAgeMs: durationMs(1),
  maxEntries: wholeNumber(1),
  clock: clockRule,
}

/** A value that says how old it is, so that nobody takes yesterday's price for today's. */
export interface AgedValue<T> {
  readonly value: T
  /** How long ago it was read, in milliseconds: 0 for one that was read just now. */
  readonly ageMs: number
  /** Why a new one could not be read; undefined for one that was read just now. */
  readonly error: unknown
}

/**
 * Remembers the last good value of each key, and answers with it, and with its age, when a new one cannot be read.
 *
 * @example
 * const bars = new LastGood<Bar[]>({ maxAgeMs: 60_000 })
 * const { value, ageMs } = await bars.read('AAPL', () => polygon.execute(() => client.bars('AAPL')))
 */
export class LastGood<T> {
  readonly #maxAgeMs: number = 0
  readonly #maxEntries: number = 0
  readonly #clock: Clock
  readonly #values = new Map<string, { readonly value: T; readonly readAt: number }>()

  /** @throws InvalidOptionError when an option makes no sense */
  constructor(options: LastGoodOptions) {
    checkOptions('lastGood', options, LAST_GOOD_RULES)
    this.#maxAgeMs = options.maxAgeMs
    this.#maxEntries = options.maxEntries ?? 1_000
    this.#clock = options.clock ?? systemClock
  }

  /** How many values are remembered. */
  get size(): number {
    return this.#values.size
  }

  /**
   * Reads a value, or takes the last good one if that is young enough.
   *
   * @throws what reading throws, when there is no value that is young enough
   */
  async read(key: string, readNow: () => T | PromiseLike<T>): Promise<AgedValue<T>> {
    try {
      const value = await readNow()
      this.#keep(key, value, this.#clock.now())
      return { value, ageMs: 0, error: undefined }
    } catch (error) {
      const kept = this.#values.get(key)
      const ageMs = kept === undefined ? Number.POSITIVE_INFINITY : this.#clock.now() - kept.readAt
      if (kept === undefined || ageMs > this.#maxAgeMs) throw error
      this.#keep(key, kept.value, kept.readAt)
      return { value: kept.value, ageMs, error }
    }
  }

  /** A map keeps the order in which keys were added: the first was used longest ago. */
  #keep(key: string, value: T, readAt: number): void {
    this.#values.delete(key)
    this.#values.set(key, { value, readAt })
    if (this.#values.size <= this.#maxEntries) return
    const [oldest] = this.#values.keys()
    if (oldest !== undefined) this.#values.delete(oldest)
  }
}
