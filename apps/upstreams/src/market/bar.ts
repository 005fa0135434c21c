/** What was traded in a stretch of time. */
export interface Bar {
  /** When the stretch begins, in milliseconds since 1970. */
  readonly at: number
  readonly open: number
  readonly high: number
  readonly low: number
  readonly close: number
  readonly volume: number
  /** How many trades there were. */
  readonly trades: number
  /** Average price, weighted by volume. */
  readonly vwap: number
}

/** Joins consecutive bars into one that begins at `at`. Needs at least one. */
export function joinBars(at: number, bars: readonly Bar[]): Bar {
  const [first] = bars
  const last = bars.at(-1)
  if (first === undefined || last === undefined) throw new RangeError('joinBars needs at least one bar')
  let high = first.high
  let low = first.low
  let volume = 0
  let trades = 0
  let turnover = 0
  for (const bar of bars) {
    high = Math.max(high, bar.high)
    low = Math.min(low, bar.low)
    volume += bar.volume
    trades += bar.trades
    turnover += bar.vwap * bar.volume
  }
  const vwap = volume === 0 ? last.close : Math.round((turnover / volume) * 10_000) / 10_000
  return { at, open: first.open, high, low, close: last.close, volume, trades, vwap }
}
