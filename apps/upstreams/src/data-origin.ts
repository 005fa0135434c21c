import { firstMarketDay } from './market/history.ts'
import type { BarUnit, Market } from './market/market.ts'
import { DEFAULT_START, type MarketClock } from './market/market-clock.ts'
import { midnightOf } from './market/new-york-time.ts'

/** Whether figures are real, or lie on the seeded path between and after the real ones. Header `X-Data`. */
export type DataOrigin = 'real' | 'interpolated'

/** The name of the header that tells. */
export const ORIGIN_HEADER = 'x-data'

/** Real figures end where the simulated market begins. */
const REAL_UNTIL = midnightOf(firstMarketDay(DEFAULT_START))

/** Where bars up to a moment (ms since 1970) come from; they are real only if all of them are. */
export function originOfBars(
  market: Market,
  marketClock: MarketClock,
  { symbol, unit, to }: { readonly symbol: string; readonly unit: BarUnit; readonly to: number },
): DataOrigin {
  return market.isReal(symbol, unit) && Math.min(to, marketClock.now()) < REAL_UNTIL ? 'real' : 'interpolated'
}
