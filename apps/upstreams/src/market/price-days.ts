import { bridge, chanceFor, gaussian } from './chance.ts'
import { firstDayOfMonth, INDEX_SYMBOL, type MonthlyPrices, monthOf, type RealDay } from './history.ts'
import { isTradingDay } from './new-york-time.ts'

/** The frame of one day: its minutes run from the open to the close, and stay between low and high where these are known. */
export interface PriceDay {
  readonly open: number
  readonly close: number
  readonly low: number
  readonly high: number
  readonly volume: number
}

/** Daily deviation of an interpolated price, as a share of the price. */
const DAILY_DEVIATION = 0.012

/** Deviation of a month for which nothing is known, as a share of the price. */
const MONTHLY_DEVIATION = 0.05

/**
 * The days of the five stocks: between two real monthly prices lies a seeded bridge, after the last one the path goes on by
 * seeded steps. Any day can be asked for, in any order, and is always the same.
 */
export class StockDays {
  readonly #seed: number
  readonly #symbol: string
  readonly #monthly: MonthlyPrices
  readonly #anchors: number[]
  readonly #months = new Map<number, ReadonlyMap<number, PriceDay>>()

  constructor(seed: number, symbol: string, monthly: MonthlyPrices) {
    this.#seed = seed
    this.#symbol = symbol
    this.#monthly = monthly
    this.#anchors = [...monthly.prices]
  }

  get firstDay(): number {
    return firstDayOfMonth(this.#monthly.firstMonth)
  }

  day(day: number): PriceDay | undefined {
    const month = monthOf(day)
    if (month < this.#monthly.firstMonth) return undefined
    let days = this.#months.get(month)
    if (days === undefined) {
      days = this.#month(month)
      this.#months.set(month, days)
    }
    return days.get(day)
  }

  /** Price on the first of a month: the real one, or where the path has led. */
  #anchor(month: number): number {
    for (let next = this.#monthly.firstMonth + this.#anchors.length; next <= month; next++) {
      const step = MONTHLY_DEVIATION * gaussian(chanceFor(this.#seed, this.#symbol, 'month', next))
      this.#anchors.push((this.#anchors.at(-1) ?? 1) * Math.exp(step))
    }
    return this.#anchors[month - this.#monthly.firstMonth] ?? 1
  }

  #month(month: number): ReadonlyMap<number, PriceDay> {
    const days: number[] = []
    for (let day = firstDayOfMonth(month); day < firstDayOfMonth(month + 1); day++)
      if (isTradingDay(day)) days.push(day)
    const from = Math.log(this.#anchor(month))
    const to = Math.log(this.#anchor(month + 1))
    const random = chanceFor(this.#seed, this.#symbol, 'days', month)
    const path = bridge(random, days.length, DAILY_DEVIATION)
    const priceAt = (step: number): number => Math.exp(from + ((to - from) * step) / days.length + (path[step] ?? 0))
    return new Map(
      days.map((day, index) => [
        day,
        {
          open: priceAt(index),
          close: priceAt(index + 1),
          low: 0,
          high: Number.POSITIVE_INFINITY,
          volume: Math.round(8_000_000 * Math.exp(0.4 * gaussian(random))),
        },
      ]),
    )
  }
}

/** The days of the index: real ones as they were; after the last one seeded steps from its close. */
export class IndexDays {
  readonly #seed: number
  readonly #real: ReadonlyMap<number, RealDay>
  readonly #lastReal: number
  readonly #later: PriceDay[] = []

  constructor(seed: number, real: ReadonlyMap<number, RealDay>) {
    this.#seed = seed
    this.#real = real
    this.#lastReal = Math.max(...real.keys())
  }

  get firstDay(): number {
    return Math.min(...this.#real.keys())
  }

  isReal(day: number): boolean {
    return this.#real.has(day)
  }

  day(day: number): PriceDay | undefined {
    if (day <= this.#lastReal) return this.#real.get(day)
    if (!isTradingDay(day)) return undefined
    while (this.#later.length < day - this.#lastReal) this.#later.push(this.#next(this.#later.length))
    return this.#later[day - this.#lastReal - 1]
  }

  #next(index: number): PriceDay {
    const before = this.#later.at(-1)?.close ?? this.#real.get(this.#lastReal)?.close ?? 1
    const random = chanceFor(this.#seed, INDEX_SYMBOL, 'day', this.#lastReal + 1 + index)
    const moves = isTradingDay(this.#lastReal + 1 + index) ? DAILY_DEVIATION * gaussian(random) : 0
    const volume = Math.round(4e9 * Math.exp(0.2 * gaussian(random)))
    return { open: before, close: before * Math.exp(moves), low: 0, high: Number.POSITIVE_INFINITY, volume }
  }
}
