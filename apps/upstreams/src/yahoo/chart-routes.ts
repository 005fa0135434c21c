import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { ORIGIN_HEADER, originOfBars } from '../data-origin.ts'
import type { Bar } from '../market/bar.ts'
import type { BarUnit } from '../market/market.ts'
import { closeOf, DAY_MS, dayAt, MINUTE_MS, offsetAt, openOf, tradingDayFrom } from '../market/new-york-time.ts'
import { staleMs } from '../request-facts.ts'
import type { Simulation } from '../simulation.ts'
import { refuse } from '../upstream-server.ts'
import { complaint, onlyAt, QUERY_HOSTS } from './answers.ts'
import { type Listing, listingOf } from './listing.ts'

const INTERVALS = {
  '1m': [1, 'minute'],
  '2m': [2, 'minute'],
  '5m': [5, 'minute'],
  '15m': [15, 'minute'],
  '30m': [30, 'minute'],
  '60m': [60, 'minute'],
  '90m': [90, 'minute'],
  '1h': [1, 'hour'],
  '1d': [1, 'day'],
  '5d': [5, 'day'],
  '1wk': [1, 'week'],
  '1mo': [1, 'month'],
  '3mo': [3, 'month'],
} as const satisfies Record<string, readonly [number, BarUnit]>

const RANGES = ['1d', '5d', '1mo', '3mo', '6mo', '1y', '2y', '5y', '10y', 'ytd', 'max']

const seconds = z.coerce.number().int().min(-1e11).max(1e11)

const query = z.object({
  period1: seconds.optional(),
  period2: seconds.optional(),
  interval: z.enum(Object.keys(INTERVALS)).default('1d'),
})

function isInterval(text: string): text is keyof typeof INTERVALS {
  return Object.hasOwn(INTERVALS, text)
}

/** Bars, which need no crumb. */
export function chartRoutes(app: FastifyInstance, simulation: Simulation): void {
  app.get<{ Params: { symbol: string } }>(
    '/v8/finance/chart/:symbol',
    { preHandler: onlyAt(...QUERY_HOSTS) },
    (request, reply) => {
      const read = query.safeParse(request.query)
      if (!read.success || !isInterval(read.data.interval)) {
        const field = String(read.error?.issues[0]?.path[0] ?? 'interval')
        return refuse(reply, { status: 400, body: complaint('chart', 'Bad Request', `Invalid input - ${field}`) })
      }
      const yahooSymbol = request.params.symbol.toUpperCase()
      const listing = listingOf(simulation.market, yahooSymbol)
      if (listing === undefined) {
        const description = 'No data found, symbol may be delisted'
        return refuse(reply, { status: 404, body: complaint('chart', 'Not Found', description) })
      }
      const { market, marketClock } = simulation
      const now = marketClock.now()
      const [amount, unit] = INTERVALS[read.data.interval]
      const { period1 = Math.floor((now - DAY_MS) / 1_000), period2 = Math.floor(now / 1_000) } = read.data
      // Yahoo leaves the end out.
      const to = period2 * 1_000 - 1
      const bars = market.bars(listing.symbol, { amount, unit, from: period1 * 1_000, to })
      reply.header(ORIGIN_HEADER, originOfBars(market, marketClock, { symbol: listing.symbol, unit, to }))
      const meta = metaJson(simulation, { yahooSymbol, listing, interval: read.data.interval, ageMs: staleMs(request) })
      return { chart: { result: [{ meta, ...seriesJson(bars) }], error: null } }
    },
  )
}

/** Without bars there are no times, and an empty object in place of the figures. */
function seriesJson(bars: readonly Bar[]): object {
  if (bars.length === 0) return { indicators: { quote: [{}], adjclose: [{}] } }
  const figures = {
    open: bars.map(({ open }) => open),
    high: bars.map(({ high }) => high),
    low: bars.map(({ low }) => low),
    close: bars.map(({ close }) => close),
    volume: bars.map(({ volume }) => volume),
  }
  return {
    timestamp: bars.map(({ at }) => Math.floor(at / 1_000)),
    indicators: { quote: [figures], adjclose: [{ adjclose: figures.close }] },
  }
}

function metaJson(
  { market, marketClock }: Simulation,
  about: { readonly yahooSymbol: string; readonly listing: Listing; readonly interval: string; readonly ageMs: number },
): object {
  const { symbol, name, quoteType, exchange, fullExchangeName } = about.listing
  const now = marketClock.now()
  const { at, price } = market.lastTrade(symbol)
  const year = market.bars(symbol, { amount: 1, unit: 'day', from: now - 364 * DAY_MS, to: now })
  const today = year.at(-1)
  return {
    currency: 'USD',
    symbol: about.yahooSymbol,
    exchangeName: exchange,
    fullExchangeName,
    instrumentType: quoteType,
    firstTradeDate: 345_479_400,
    regularMarketTime: Math.floor((at - about.ageMs) / 1_000),
    hasPrePostMarketData: true,
    gmtoffset: offsetAt(now) / 1_000,
    timezone: 'EST',
    exchangeTimezoneName: 'America/New_York',
    regularMarketPrice: price,
    fiftyTwoWeekHigh: Math.max(price, ...year.map(({ high }) => high)),
    fiftyTwoWeekLow: Math.min(price, ...year.map(({ low }) => low)),
    regularMarketDayHigh: today?.high ?? price,
    regularMarketDayLow: today?.low ?? price,
    regularMarketVolume: today?.volume ?? 0,
    longName: name,
    shortName: name,
    chartPreviousClose: market.previousClose(symbol),
    priceHint: 2,
    currentTradingPeriod: periodsJson(now),
    dataGranularity: about.interval,
    range: '',
    validRanges: RANGES,
  }
}

/** Four in the morning to the open, the session, and to eight in the evening. */
function periodsJson(now: number): object {
  const day = tradingDayFrom(dayAt(now))
  const [opens, closes] = [openOf(day), closeOf(day)]
  const period = (start: number, end: number): object => ({
    timezone: 'EST',
    start: start / 1_000,
    end: end / 1_000,
    gmtoffset: offsetAt(now) / 1_000,
  })
  return {
    pre: period(opens - 330 * MINUTE_MS, opens),
    regular: period(opens, closes),
    post: period(closes, closes + 240 * MINUTE_MS),
  }
}
