/** Market data from several sources: freshness instead of silence. */
import { type Clock, SingleFlight, systemClock } from 'holdfast'
import type { Bar, BarsQuery, DataProvider, Quote } from '../data-provider.ts'
import { InvalidRequestError, NoSourceError, StaleSourceError } from '../errors.ts'
import { checkedSymbol, type RequestOptions } from '../requests.ts'
import type { Observation, SeriesProvider, SeriesQuery } from '../series-provider.ts'
import { firstOf, type Source } from './failover.ts'
import { LastValues } from './last-values.ts'
import { MarketCalendar } from './market-calendar.ts'
import { type KeptValue, type Sourced, sourced } from './sourced.ts'

export type { MarketCalendar, Session } from './market-calendar.ts'
export type { Sourced } from './sourced.ts'

/** Where data comes from, each list in the order in which its sources are asked. */
export interface MarketDataOptions {
  readonly bars: readonly DataProvider[]
  readonly quotes: readonly DataProvider[]
  readonly series?: readonly SeriesProvider[] | undefined
  /** How many answers of each kind are kept. Default 10,000. */
  readonly maxKept?: number | undefined
  /** Tells the market's time by `wallTime`. Default: the system's. */
  readonly clock?: Pick<Clock, 'wallTime'> | undefined
}

/**
 * What a caller can say about one read. A deadline of its own is not among it, since callers share reads: a `signal` that is
 * aborted then ends the caller's wait, and the read with the last of them.
 */
export interface ReadOptions extends Omit<RequestOptions, 'deadlineMs'> {
  /**
   * How old the answer may be, in milliseconds. A kept answer that is younger is handed out without asking, and nothing that
   * is older is handed out at all. For a quote only time in which the market is open counts: on Sunday Friday's last quote is
   * as good as new. Default: every read asks, and the last good answer of any age is better than none.
   */
  readonly maxAgeMs?: number | undefined
}

/** One kind of data. */
interface Kind<S extends Source, T> {
  readonly name: string
  readonly sources: readonly S[]
  readonly kept: LastValues<T>
  readonly flights: SingleFlight<KeptValue<T>>
  /** What moment a value that has just come describes. */
  asOf(value: T, fetchedAt: number): number
  /** How long ago that was, as far as it counts. */
  age(asOf: number, now: number): number
}

/**
 * Bars, quotes and series from whichever source answers.
 *
 * - Sources are asked in order; a source whose circuit is open costs nothing.
 * - Identical reads that are under way share one request, and one token.
 * - When no source answers, the last good value is handed out, marked as stale, unless `maxAgeMs` forbids it.
 * - One answer comes from one source: bars of two are never mixed.
 *
 * @example
 * const marketData = createMarketData({ bars: [polygon, yahoo], quotes: [polygon, yahoo], series: [fred] })
 * const { value, source, ageMs, stale } = await marketData.quote('AAPL', { maxAgeMs: 2_000 })
 */
export class MarketData {
  /** When the market is open. */
  readonly calendar: MarketCalendar = new MarketCalendar()
  readonly #clock: Pick<Clock, 'wallTime'>
  readonly #bars: Kind<DataProvider, readonly Bar[]>
  readonly #quotes: Kind<DataProvider, Quote>
  readonly #series: Kind<SeriesProvider, readonly Observation[]>

  /** @throws InvalidRequestError when an option makes no sense */
  constructor({ bars, quotes, series = [], maxKept = 10_000, clock = systemClock }: MarketDataOptions) {
    if (!Number.isInteger(maxKept) || maxKept < 1) {
      throw new InvalidRequestError('maxKept', maxKept, 'it must be a whole number from 1')
    }
    this.#clock = clock
    this.#bars = { name: 'bars', sources: bars, ...keeping<readonly Bar[]>(maxKept) }
    this.#quotes = {
      name: 'quotes',
      sources: quotes,
      ...keeping<Quote>(maxKept),
      // Nothing is known of the future: a time that lies in it would keep its price young for ever.
      asOf: (quote, fetchedAt) => Math.min(quote.at, fetchedAt),
      age: (asOf, now) => this.calendar.openMsBetween(asOf, now),
    }
    this.#series = { name: 'series', sources: series, ...keeping<readonly Observation[]>(maxKept) }
  }

  /** Bars, oldest first. @throws NoSourceError when no source answers and nothing young enough is kept */
  async bars(symbol: string, query: BarsQuery, options?: ReadOptions): Promise<Sourced<readonly Bar[]>> {
    const ticker = checkedSymbol(symbol)
    const { timeframe, from, to, limit } = query
    const key = JSON.stringify([ticker, timeframe, from, to, limit])
    return await this.#read(this.#bars, key, options, (source, request) => source.getBars(ticker, query, request))
  }

  /** The best bid and offer. @throws NoSourceError when no source answers and nothing young enough is kept */
  async quote(symbol: string, options?: ReadOptions): Promise<Sourced<Quote>> {
    const ticker = checkedSymbol(symbol)
    return await this.#read(this.#quotes, ticker, options, (source, request) => source.getQuote(ticker, request))
  }

  /** An economic series. @throws NoSourceError when no source answers and nothing young enough is kept */
  async series(
    seriesId: string,
    query: SeriesQuery = {},
    options?: ReadOptions,
  ): Promise<Sourced<readonly Observation[]>> {
    const { from, to, limit } = query
    const key = JSON.stringify([seriesId, from, to, limit])
    return await this.#read(this.#series, key, options, (source, request) => source.getSeries(seriesId, query, request))
  }

  async #read<S extends Source, T>(
    kind: Kind<S, T>,
    key: string,
    options: ReadOptions = {},
    ask: (source: S, request: RequestOptions) => Promise<T>,
  ): Promise<Sourced<T>> {
    const { maxAgeMs, signal, timeoutMs } = options
    if (maxAgeMs !== undefined && !(maxAgeMs >= 0)) {
      throw new InvalidRequestError('maxAgeMs', maxAgeMs, 'it must be a number of milliseconds from 0')
    }
    const youngEnough = (kept: KeptValue<T>, now: number): boolean =>
      maxAgeMs === undefined || kind.age(kept.asOf, now) <= maxAgeMs

    const before = this.#clock.wallTime()
    const known = kind.kept.get(key)
    if (known !== undefined && maxAgeMs !== undefined && youngEnough(known, before))
      return sourced(known, before, false)

    try {
      const fresh = await kind.flights.run(
        // Who has less time, or wants it younger, asks for himself.
        JSON.stringify([key, timeoutMs, maxAgeMs]),
        (shared) => this.#fetch(kind, key, youngEnough, (source) => ask(source, { signal: shared, timeoutMs })),
        { signal },
      )
      return sourced(fresh, this.#clock.wallTime(), false)
    } catch (error) {
      const now = this.#clock.wallTime()
      const last = kind.kept.get(key)
      if (!(error instanceof NoSourceError) || last === undefined || !youngEnough(last, now)) throw error
      return sourced(last, now, true)
    }
  }

  async #fetch<S extends Source, T>(
    kind: Kind<S, T>,
    key: string,
    youngEnough: (kept: KeptValue<T>, now: number) => boolean,
    ask: (source: S) => Promise<T>,
  ): Promise<KeptValue<T>> {
    const { value } = await firstOf(kind.sources, kind.name, async (source) => {
      const answer = await ask(source)
      const fetchedAt = this.#clock.wallTime()
      const found = { value: answer, source: source.service.name, asOf: kind.asOf(answer, fetchedAt), fetchedAt }
      const kept = kind.kept.get(key)
      if (kept === undefined || found.asOf >= kept.asOf) kind.kept.set(key, found)
      // A source may be behind without knowing it; the next one may be not.
      if (!youngEnough(found, fetchedAt)) throw new StaleSourceError(found.source, kind.age(found.asOf, fetchedAt))
      return found
    })
    return value
  }
}

/**
 * Market data from several sources.
 *
 * @throws InvalidRequestError when an option makes no sense
 */
export function createMarketData(options: MarketDataOptions): MarketData {
  return new MarketData(options)
}

function keeping<T>(most: number): Pick<Kind<Source, T>, 'kept' | 'flights' | 'asOf' | 'age'> {
  return {
    kept: new LastValues<T>(most),
    flights: new SingleFlight<KeptValue<T>>(),
    asOf: (_value, fetchedAt) => fetchedAt,
    age: (asOf, now) => now - asOf,
  }
}
