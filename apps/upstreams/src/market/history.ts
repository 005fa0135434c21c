/**
 * The real figures behind the stand-ins, from vega-datasets. They end years before the market's clock begins, so their
 * calendar is shifted: the last real figure stands right before the market's first day.
 */
import { readFileSync } from 'node:fs'
import { DAY_MS, dayAt, weekdayOf } from './new-york-time.ts'

/** One real day. */
export interface RealDay {
  readonly open: number
  readonly high: number
  readonly low: number
  readonly close: number
  readonly volume: number
}

/** Prices on the first of each month, without a gap. */
export interface MonthlyPrices {
  /** The month of the first price, as years × 12 + months. */
  readonly firstMonth: number
  readonly prices: readonly number[]
}

export const INDEX_SYMBOL = 'SPX'

/** The stocks whose monthly prices are known. */
export const STOCKS: ReadonlyMap<string, string> = new Map([
  ['AAPL', 'Apple Inc.'],
  ['AMZN', 'Amazon.com, Inc.'],
  ['GOOG', 'Alphabet Inc. Class C'],
  ['IBM', 'International Business Machines Corporation'],
  ['MSFT', 'Microsoft Corporation'],
])

/** The S&P 500's real days, by day, moved by whole weeks so that the last one lies before `beforeDay`. */
export function realIndexDays(beforeDay: number): ReadonlyMap<number, RealDay> {
  const rows = dataset('sp500-2000.csv').map(([date = '', ...figures]) => ({
    day: Date.parse(date) / DAY_MS,
    figures: figures.map(Number),
  }))
  const lastDay = rows.at(-1)?.day ?? 0
  const weeks = Math.floor((beforeDay - 1 - lastDay) / 7)
  return new Map(
    rows.map(({ day, figures: [open = 0, high = 0, low = 0, close = 0, , volume = 0] }) => [
      day + weeks * 7,
      { open, high, low, close, volume },
    ]),
  )
}

/** A stock's real monthly prices, moved by whole months so that the last one is that of the month of `beforeDay`. */
export function realMonthlyPrices(beforeDay: number): ReadonlyMap<string, MonthlyPrices> {
  const lastMonth = monthOf(beforeDay)
  const prices = new Map<string, number[]>()
  for (const [symbol = '', , price] of dataset('stocks.csv')) {
    const list = prices.get(symbol) ?? []
    list.push(Number(price))
    prices.set(symbol, list)
  }
  return new Map(
    [...prices].map(([symbol, list]) => [symbol, { firstMonth: lastMonth - list.length + 1, prices: list }]),
  )
}

/** Years × 12 + months of a day. */
export function monthOf(day: number): number {
  const date = new Date(day * DAY_MS)
  return date.getUTCFullYear() * 12 + date.getUTCMonth()
}

/** The first day of such a month. */
export function firstDayOfMonth(month: number): number {
  return Date.UTC(Math.floor(month / 12), month % 12, 1) / DAY_MS
}

/** The Monday of a day's week. */
export function mondayOf(day: number): number {
  return day - ((weekdayOf(day) + 6) % 7)
}

/** The day before which everything real lies, for a market that begins at that time. */
export function firstMarketDay(startsAt: number): number {
  return dayAt(startsAt)
}

const datasets = new Map<string, readonly (readonly string[])[]>()

/** The rows of a file. It is read once: it never changes. */
export function dataset(name: string): readonly (readonly string[])[] {
  const known = datasets.get(name)
  if (known !== undefined) return known
  const file = new URL(`../data/${name}`, import.meta.resolve('vega-datasets'))
  const [, ...lines] = readFileSync(file, 'utf8').trim().split('\n')
  const rows = lines.map((line) => line.trim().split(','))
  datasets.set(name, rows)
  return rows
}
