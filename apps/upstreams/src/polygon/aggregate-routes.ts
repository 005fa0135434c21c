import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Bar } from '../market/bar.ts'
import type { BarUnit, Market } from '../market/market.ts'
import type { MarketClock } from '../market/market-clock.ts'
import { dateText, dayAt, midnightOf } from '../market/new-york-time.ts'
import { refuse } from '../upstream-server.ts'
import { requestId, unknownTicker } from './answers.ts'

const UNITS: ReadonlySet<string> = new Set<BarUnit>(['minute', 'hour', 'day', 'week', 'month'])

function isUnit(word: string): word is BarUnit {
  return UNITS.has(word)
}

interface RangeRoute {
  Params: { ticker: string; multiplier: string; timespan: string; from: string; to: string }
  Querystring: { sort?: string; limit?: string; cursor?: string }
}

/** Bars. */
export function aggregateRoutes(app: FastifyInstance, market: Market, marketClock: MarketClock): void {
  app.get<RangeRoute>('/v2/aggs/ticker/:ticker/range/:multiplier/:timespan/:from/:to', (request, reply) => {
    const { multiplier, timespan } = request.params
    const ticker = symbolOf(request.params.ticker)
    const from = timeOf(request.params.from, 'start')
    const to = timeOf(request.params.to, 'end')
    const amount = Number(multiplier)
    if (!isUnit(timespan) || !Number.isInteger(amount) || amount < 1 || from === undefined || to === undefined) {
      const error =
        'Could not parse the time parameter: use YYYY-MM-DD or Unix MS Timestamps, and one of minute, hour, day, week, month'
      return refuse(reply, { status: 400, body: { status: 'ERROR', request_id: requestId(), error } })
    }
    const bars = market.bars(ticker, { amount, unit: timespan, from, to })
    if (request.query.sort === 'desc') bars.reverse()
    const limit = Math.min(50_000, Number(request.query.limit) || 5_000)
    const begin = Number(Buffer.from(request.query.cursor ?? '', 'base64url').toString()) || 0
    const page = bars.slice(begin, begin + limit)
    reply.header('x-data', market.isReal(ticker, timespan) ? 'real' : 'interpolated')
    return {
      ...aggregates(ticker, page),
      ...(begin + limit < bars.length ? { next_url: nextUrl(request, begin + limit) } : {}),
    }
  })

  app.get<{ Params: { ticker: string } }>('/v2/aggs/ticker/:ticker/prev', ({ params }, reply) => {
    const ticker = symbolOf(params.ticker)
    if (!market.has(ticker)) return refuse(reply, unknownTicker())
    return aggregates(ticker, previousDay(market, marketClock, ticker))
  })

  app.get<{ Params: { ticker: string; date: string } }>('/v1/open-close/:ticker/:date', ({ params }, reply) => {
    const symbol = symbolOf(params.ticker)
    const from = timeOf(params.date, 'start')
    const to = timeOf(params.date, 'end')
    const [bar] =
      from === undefined || to === undefined ? [] : market.bars(symbol, { amount: 1, unit: 'day', from, to })
    if (bar === undefined) return refuse(reply, unknownTicker())
    const { open, high, low, close, volume } = bar
    return {
      status: 'OK',
      from: params.date,
      symbol,
      open,
      high,
      low,
      close,
      volume,
      afterHours: close,
      preMarket: open,
    }
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

/** The next page, on this very host; the client adds its key. */
export function nextUrl(request: FastifyRequest, begin: number): string {
  const url = new URL(request.url, `http://${request.host}`)
  url.searchParams.delete('apiKey')
  url.searchParams.set('cursor', Buffer.from(String(begin)).toString('base64url'))
  return url.href
}

function timeOf(text: string, edge: 'start' | 'end'): number | undefined {
  if (/^\d{12,14}$/.test(text)) return Number(text)
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined
  const noon = Date.parse(`${text}T17:00:00Z`)
  if (Number.isNaN(noon) || dateText(dayAt(noon)) !== text) return undefined
  return edge === 'start' ? midnightOf(dayAt(noon)) : midnightOf(dayAt(noon) + 1) - 1
}
