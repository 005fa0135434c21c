/** The market of the stand-ins: prices of six symbols at any moment of market time, always the same for the same seed. */
import { type Bar, joinBars } from './bar.ts'
import { chanceFor } from './chance.ts'
import {
  firstDayOfMonth,
  firstMarketDay,
  INDEX_SYMBOL,
  mondayOf,
  monthOf,
  realIndexDays,
  realMonthlyPrices,
  STOCKS,
} from './history.ts'
import { DEFAULT_START, type MarketClock } from './market-clock.ts'
import { cents, minuteBars, minutePrices } from './minutes.ts'
import { closeOf, dayAt, isTradingDay, MINUTE_MS, midnightOf, openOf } from './new-york-time.ts'
import { IndexDays, type PriceDay, StockDays } from './price-days.ts'

/** The unit of a bar's length. */
export type BarUnit = 'minute' | 'hour' | 'day' | 'week' | 'month'

/** Which bars. Times are in milliseconds since 1970, both ends included. */
export interface BarQuery {
  readonly amount: number
  readonly unit: BarUnit
  readonly from: number
  readonly to: number
}

/** The most bars that one question is answered with. */
export const MOST_BARS = 50_000

/** A trade. */
export interface Trade {
  readonly at: number
  readonly price: number
  readonly size: number
}

/** The best bid and offer. */
export interface Quote {
  readonly at: number
  readonly bid: number
  readonly bidSize: number
  readonly ask: number
  readonly askSize: number
}

export class Market {
  /** What is traded. */
  readonly symbols: readonly { readonly symbol: string; readonly name: string }[]
  readonly #seed: number
  readonly #marketClock: MarketClock
  readonly #days = new Map<string, StockDays | IndexDays>()
  readonly #index: IndexDays
  readonly #paths = new Map<string, Float64Array>()
  readonly #dayBars = new Map<string, Bar>()

  constructor(options: { readonly seed: number; readonly marketClock: MarketClock }) {
    this.#seed = options.seed
    this.#marketClock = options.marketClock
    const beforeDay = firstMarketDay(DEFAULT_START)
    for (const [symbol, monthly] of realMonthlyPrices(beforeDay)) {
      this.#days.set(symbol, new StockDays(this.#seed, symbol, monthly))
    }
    this.#index = new IndexDays(this.#seed, realIndexDays(beforeDay))
    this.#days.set(INDEX_SYMBOL, this.#index)
    this.symbols = [...STOCKS, [INDEX_SYMBOL, 'S&P 500'] as const].map(([symbol, name]) => ({ symbol, name }))
  }

  has(symbol: string): boolean {
    return this.#days.has(symbol)
  }

  /** Whether bars of that length are real figures; all others are a seeded path between real ones. */
  isReal(symbol: string, unit: BarUnit): boolean {
    return symbol === INDEX_SYMBOL && unit !== 'minute' && unit !== 'hour'
  }

  /** Bars, oldest first; only what has happened by now. Empty for a symbol that is not traded. */
  bars(symbol: string, { amount, unit, from, to }: BarQuery): Bar[] {
    const days = this.#days.get(symbol)
    if (days === undefined) return []
    const now = this.#marketClock.now()
    const startsAt = (bar: Bar): number => bucketStart(bar.at, amount, unit)
    const bars: Bar[] = []
    let bucket: Bar[] = []
    const close = (): void => {
      const [first] = bucket
      if (first !== undefined) bars.push(joinBars(startsAt(first), bucket))
      bucket = []
    }
    const lastDay = dayAt(Math.min(to, now))
    for (let day = Math.max(days.firstDay, dayAt(from)); day <= lastDay && bars.length < MOST_BARS; day++) {
      for (const bar of this.#barsOfDay(symbol, day, unit, now)) {
        if (bar.at > to || startsAt(bar) < from) continue
        const [first] = bucket
        if (first !== undefined && startsAt(first) !== startsAt(bar)) close()
        bucket.push(bar)
      }
    }
    close()
    return bars.slice(0, MOST_BARS)
  }

  /** The last trade by now. @throws RangeError for a symbol that is not traded: ask {@link has} first */
  lastTrade(symbol: string): Trade {
    const { at, price } = this.#lastPrice(symbol)
    return { at, price, size: 1 + Math.floor(chanceFor(this.#seed, symbol, 'size', at)() * 300) }
  }

  /** The best bid and offer by now. @throws RangeError for a symbol that is not traded: ask {@link has} first */
  quote(symbol: string): Quote {
    const { at, price } = this.#lastPrice(symbol)
    const random = chanceFor(this.#seed, symbol, 'quote', at)
    const halfSpread = Math.max(0.01, price * 0.000_1)
    const size = (): number => 1 + Math.floor(random() * 9)
    return { at, bid: cents(price - halfSpread), bidSize: size(), ask: cents(price + halfSpread), askSize: size() }
  }

  /** The close of the last trading day before today. */
  previousClose(symbol: string): number {
    const today = dayAt(this.#marketClock.now())
    return cents(this.#dayBefore(symbol, today).frame.close)
  }

  #lastPrice(symbol: string): { at: number; price: number } {
    // Prices move once a second.
    const now = Math.floor(this.#marketClock.now() / 1_000) * 1_000
    const today = dayAt(now)
    const frame = isTradingDay(today) && now >= openOf(today) ? this.#days.get(symbol)?.day(today) : undefined
    if (frame === undefined) {
      const { day, frame: before } = this.#dayBefore(symbol, today)
      return { at: closeOf(day), price: cents(before.close) }
    }
    const at = Math.min(now, closeOf(today))
    const minutes = (at - openOf(today)) / MINUTE_MS
    const prices = this.#path(symbol, today, frame)
    const before = prices[Math.floor(minutes)] ?? 0
    const after = prices[Math.ceil(minutes)] ?? before
    return { at, price: cents(before + (after - before) * (minutes % 1)) }
  }

  #dayBefore(symbol: string, today: number): { day: number; frame: PriceDay } {
    const days = this.#days.get(symbol)
    if (days === undefined) throw new RangeError(`${symbol} is not traded here`)
    for (let day = today - 1; day >= days.firstDay; day--) {
      const frame = days.day(day)
      if (frame !== undefined) return { day, frame }
    }
    throw new RangeError(`${symbol} was not traded before ${new Date(midnightOf(today)).toISOString()}`)
  }

  #path(symbol: string, day: number, frame: PriceDay): Float64Array {
    const key = `${symbol}/${day}`
    let path = this.#paths.get(key)
    if (path === undefined) {
      path = minutePrices(this.#seed, symbol, day, frame)
      // A day's path is 3 kB: the last few hundred are kept.
      if (this.#paths.size >= 400) this.#paths.delete(this.#paths.keys().next().value ?? key)
      this.#paths.set(key, path)
    }
    return path
  }

  /** Minute bars of a day, or the one bar of the whole day for the longer units. */
  #barsOfDay(symbol: string, day: number, unit: BarUnit, now: number): Bar[] {
    const frame = this.#days.get(symbol)?.day(day)
    if (frame === undefined) return []
    if (unit === 'minute' || unit === 'hour') return this.#minuteBars(symbol, day, frame, now)
    const key = `${symbol}/${day}`
    const known = this.#dayBars.get(key)
    if (known !== undefined) return [known]
    const bar =
      symbol === INDEX_SYMBOL && this.#index.isReal(day)
        ? realBar(day, frame)
        : this.#joinedDay(symbol, day, frame, now)
    if (bar !== undefined && now >= closeOf(day)) this.#dayBars.set(key, bar)
    return bar === undefined ? [] : [bar]
  }

  #minuteBars(symbol: string, day: number, frame: PriceDay, now: number): Bar[] {
    return minuteBars(this.#path(symbol, day, frame), this.#seed, symbol, day, frame.volume, now)
  }

  #joinedDay(symbol: string, day: number, frame: PriceDay, now: number): Bar | undefined {
    const minutes = this.#minuteBars(symbol, day, frame, now)
    return minutes.length === 0 ? undefined : joinBars(midnightOf(day), minutes)
  }
}

function realBar(day: number, { open, high, low, close, volume }: PriceDay): Bar {
  const vwap = Math.round(((open + high + low + close) / 4) * 10_000) / 10_000
  return { at: midnightOf(day), open, high, low, close, volume, trades: Math.round(volume / 1_000), vwap }
}

/** When the bar begins that a shorter bar belongs to. */
function bucketStart(at: number, amount: number, unit: BarUnit): number {
  if (unit === 'minute' || unit === 'hour') {
    const length = amount * (unit === 'minute' ? 1 : 60) * MINUTE_MS
    return Math.floor(at / length) * length
  }
  const day = dayAt(at)
  if (unit === 'day') return midnightOf(day - (day % amount))
  if (unit === 'week') return midnightOf(mondayOf(day))
  const month = monthOf(day)
  return midnightOf(firstDayOfMonth(month - (month % amount)))
}
