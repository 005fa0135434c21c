/** The last five minutes of a service, second by second, in memory of a fixed size. */
import type { RefusedByCause, Series, ServiceSecond } from '../api.ts'

/** How many seconds are kept. */
export const WINDOW_SECONDS = 300

/** How many seconds "now" is: long enough to be calm, short enough to be true. */
export const NOW_SECONDS = 10

/** What is counted of a second. */
export interface Tally {
  readonly succeeded: number
  readonly failed: number
  readonly refused: RefusedByCause
  readonly retries: number
}

/** Rates and shares of the last seconds. */
export interface Rates {
  /** Calls that ended, a second. */
  readonly calls: number
  /** Calls that were answered, of all that ended; undefined when there was none. */
  readonly success: number | undefined
  /** Refused a second, in all and by cause. */
  readonly refused: number
  readonly byCause: RefusedByCause
  readonly failed: number
  /** Attempts that were retries, of all attempts that were made; undefined when there was none. */
  readonly retryShare: number | undefined
}

const NOTHING: Tally = { succeeded: 0, failed: 0, refused: { circuit: 0, limit: 0, slots: 0 }, retries: 0 }

/** Counts by second. */
export class Window {
  readonly #tallies = new Map<number, Tally>()
  #newest = 0

  /** The newest second that it has, in milliseconds since 1970; 0 for none. */
  get newest(): number {
    return this.#newest
  }

  /** Adds a second, or puts it in the place of what it was. */
  add(at: number, { succeeded, failed, refused, retries }: Tally | ServiceSecond): void {
    this.#tallies.set(at, { succeeded, failed, refused, retries })
    // A clock that was set back by more than a moment begins anew.
    if (at > this.#newest || at < this.#newest - 60_000) this.#newest = at
    for (const known of this.#tallies.keys()) {
      if (known <= this.#newest - WINDOW_SECONDS * 1_000 || known > this.#newest) this.#tallies.delete(known)
      else break
    }
  }

  /** Fills it from the history, without overwriting what came live. */
  fill(series: Series): void {
    const live = new Map(this.#tallies)
    this.#tallies.clear()
    series.at.forEach((at, index) => {
      const refused = {
        circuit: series.refusedCircuit[index] ?? 0,
        limit: series.refusedLimit[index] ?? 0,
        slots: series.refusedSlots[index] ?? 0,
      }
      const succeeded = series.succeeded[index] ?? 0
      this.add(at, { succeeded, failed: series.failed[index] ?? 0, refused, retries: series.retries[index] ?? 0 })
    })
    for (const [at, tally] of live) this.add(at, tally)
  }

  /** The last seconds together. */
  rates(seconds = NOW_SECONDS): Rates {
    const { succeeded, failed, refused, retries } = this.#sum(this.#newest - (seconds - 1) * 1_000, this.#newest)
    const refusals = refused.circuit + refused.limit + refused.slots
    const ended = succeeded + failed + refusals
    const attempts = succeeded + failed + retries
    return {
      calls: ended / seconds,
      success: ended === 0 ? undefined : succeeded / ended,
      refused: refusals / seconds,
      byCause: { circuit: refused.circuit / seconds, limit: refused.limit / seconds, slots: refused.slots / seconds },
      failed: failed / seconds,
      retryShare: attempts === 0 ? undefined : retries / attempts,
    }
  }

  /** The whole window in so many bars of equal length, the oldest first. */
  bars(number: number): readonly Tally[] {
    const step = (WINDOW_SECONDS * 1_000) / number
    // Bars keep their place while they fill, so that nothing jumps from second to second.
    const end = Math.ceil((this.#newest + 1_000) / step) * step
    return Array.from({ length: number }, (_, index) => {
      const from = end - (number - index) * step
      return this.#sum(from, from + step - 1)
    })
  }

  #sum(from: number, to: number): Tally {
    let { succeeded, failed, retries } = NOTHING
    let [circuit, limit, slots] = [0, 0, 0]
    for (let at = Math.ceil(from / 1_000) * 1_000; at <= to; at += 1_000) {
      const tally = this.#tallies.get(at)
      if (tally === undefined) continue
      succeeded += tally.succeeded
      failed += tally.failed
      retries += tally.retries
      circuit += tally.refused.circuit
      limit += tally.refused.limit
      slots += tally.refused.slots
    }
    return { succeeded, failed, retries, refused: { circuit, limit, slots } }
  }
}
