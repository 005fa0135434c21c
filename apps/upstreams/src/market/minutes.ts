import type { Bar } from './bar.ts'
import { bridge, chanceFor } from './chance.ts'
import { MINUTE_MS, openOf, SESSION_MINUTES } from './new-york-time.ts'
import type { PriceDay } from './price-days.ts'

/** Deviation of a minute, as a share of the price. */
const MINUTE_DEVIATION = 0.000_4

/** The prices of one day: one at the open and one at the end of each minute, in dollars, rounded to cents. */
export function minutePrices(seed: number, symbol: string, day: number, frame: PriceDay): Float64Array {
  const path = bridge(chanceFor(seed, symbol, 'minutes', day), SESSION_MINUTES, MINUTE_DEVIATION)
  const from = Math.log(frame.open)
  const to = Math.log(frame.close)
  for (let minute = 0; minute <= SESSION_MINUTES; minute++) {
    const price = Math.exp(from + ((to - from) * minute) / SESSION_MINUTES + (path[minute] ?? 0))
    path[minute] = cents(Math.min(frame.high, Math.max(frame.low, price)))
  }
  return path
}

/** The minute bars of one day, as far as they are complete at `now`. */
export function minuteBars(
  prices: Float64Array,
  seed: number,
  symbol: string,
  day: number,
  volume: number,
  now: number,
): Bar[] {
  const random = chanceFor(seed, symbol, 'volume', day)
  const opens = openOf(day)
  const bars: Bar[] = []
  for (let minute = 0; minute < SESSION_MINUTES; minute++) {
    const at = opens + minute * MINUTE_MS
    if (at + MINUTE_MS > now) break
    const open = prices[minute] ?? 0
    const close = prices[minute + 1] ?? open
    const reach = open * MINUTE_DEVIATION * random()
    // Busy at both ends of the session, quiet at noon; the weights add up to the day's volume, about.
    const busy = 0.6 + 1.2 * ((2 * minute) / SESSION_MINUTES - 1) ** 2
    const shares = Math.max(1, Math.round((volume / SESSION_MINUTES) * busy * (0.5 + random())))
    const high = cents(Math.max(open, close) + reach / 2)
    const low = cents(Math.min(open, close) - reach / 2)
    const vwap = Math.round(((open + close + high + low) / 4) * 10_000) / 10_000
    bars.push({ at, open, high, low, close, volume: shares, trades: Math.max(1, Math.round(shares / 120)), vwap })
  }
  return bars
}

/** Rounds to cents. */
export function cents(price: number): number {
  return Math.round(price * 100) / 100
}
