import type { FastifyInstance } from 'fastify'
import { ORIGIN_HEADER, originOfBars } from '../data-origin.ts'
import type { Bar } from '../market/bar.ts'
import type { BarUnit, Market } from '../market/market.ts'
import type { MarketClock } from '../market/market-clock.ts'
import { dateText, dayAt, midnightOf } from '../market/new-york-time.ts'
import type { Simulation } from '../simulation.ts'
import { refuse } from '../upstream-server.ts'
import { requestId, unknownTicker } from './answers.ts'
import { paged, readPage } from './pages.ts'

const UNITS: ReadonlySet<string> = new Set<BarUnit>(['minute', 'hour', 'day', 'week', 'month'])

function isUnit(word: string): word is BarUnit {
  return UNITS.has(word)
}

interface RangeRoute {
  Params: { ticker: string; multiplier: string; timespan: string; from: string; to: string }
  Querystring: { sort?: string }
}

/** Bars. */
export function aggregateRoutes(app: FastifyInstance, simulation: Simulation): void {
  app.get<RangeRoute>('/v2/aggs/ticker/:ticker/range/:multiplier/:timespan/:from/:to', (request, reply) => {
    const { multiplier, timespan } = request.params
    const ticker = symbolOf(request.params.ticker)
    const from = timeOf(request.params.from, 'start')
    const to = timeOf(request.params.to, 'end')
    const amount = /^[1-9]\d{0,4}$/.test(multiplier) ? Number(multiplier) : undefined
    if (!isUnit(timespan) || amount === undefined || from === undefined || to === undefined) {
      const error =
        'Could not parse the range: a multiplier from 1; minute, hour, day, week or month; YYYY-MM-DD or Unix MS Timestamps'
      return refuse(reply, { status: 400, body: { status: 'ERROR', request_id: requestId(), error } })
    }
    const wanted = readPage(request, 5_000, 50_000)
    if ('status' in wanted) return refuse(reply, wanted)
    const { market, marketClock } = simulation
    const bars = market.bars(ticker, { amount, unit: timespan, from, to })
    if (request.query.sort === 'desc') bars.reverse()
    reply.header(ORIGIN_HEADER, originOfBars(market, marketClock, { symbol: ticker, unit: timespan, to }))
    const { page, next } = paged(request, bars, wanted)
    return { ...aggregates(ticker, page), ...next }
  })

  app.get<{ Params: { ticker: string } }>('/v2/aggs/ticker/:ticker/prev', ({ params }, reply) => {
    const ticker = symbolOf(params.ticker)
    const { market, marketClock } = simulation
    const [bar] = previousDay(market, marketClock, ticker)
    if (bar === undefined) return refuse(reply, unknownTicker())
    reply.header(ORIGIN_HEADER, originOfBars(market, marketClock, { symbol: ticker, unit: 'day', to: bar.at }))
    return aggregates(ticker, [bar])
  })

  app.get<{ Params: { ticker: string; date: string } }>('/v1/open-close/:ticker/:date', ({ params }, reply) => {
    const { market, marketClock } = simulation
    const symbol = symbolOf(params.ticker)
    const from = timeOf(params.date, 'start')
    const to = timeOf(params.date, 'end')
    const [bar] =
      from === undefined || to === undefined ? [] : market.bars(symbol, { amount: 1, unit: 'day', from, to })
    if (bar === undefined) return refuse(reply, unknownTicker())
    reply.header(ORIGIN_HEADER, originOfBars(market, marketClock, { symbol, unit: 'day', to: bar.at }))
    const { open, high, low, close, volume } = bar
    const hours = { preMarket: open, afterHours: close }
    return { status: 'OK', from: params.date, symbol, open, high, low, close, volume, ...hours }
  })
}

/** The bar of the last trading day before today. */
export function previousDay(market: Market, marketClock: MarketClock, ticker: string): Bar[] {
  const today = dayAt(marketClock.now())
  const before = { from: midnightOf(today - 10), to: midnightOf(today) - 1 }
  return market.bars(ticker, { amount: 1, unit: 'day', ...before }).slice(-1)
}

/** A ticker as the market knows it: indices are written `I:SPX` here. */
export function symbolOf(ticker: string): string {
  return ticker.toUpperCase().replace(/^I:/, '')
}

/** One bar in Polygon's short names. */
export function barJson({ at, open, high, low, close, volume, trades, vwap }: Bar): object {
  return { v: volume, vw: vwap, o: open, c: close, h: high, l: low, t: at, n: trades }
}

function aggregates(ticker: string, bars: readonly Bar[]): object {
  return {
    ticker,
    queryCount: bars.length,
    resultsCount: bars.length,
    adjusted: true,
    results: bars.map(barJson),
    status: 'OK',
    request_id: requestId(),
    count: bars.length,
  }
}

/** A day, or milliseconds since 1970; of a day its first or its last millisecond. */
export function timeOf(text: string, edge: 'start' | 'end'): number | undefined {
  if (/^\d{12,14}$/.test(text)) return Number(text)
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined
  const noon = Date.parse(`${text}T17:00:00Z`)
  if (Number.isNaN(noon) || dateText(dayAt(noon)) !== text) return undefined
  return edge === 'start' ? midnightOf(dayAt(noon)) : midnightOf(dayAt(noon) + 1) - 1
}
