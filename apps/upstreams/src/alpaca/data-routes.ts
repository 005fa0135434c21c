import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { BarUnit, Market } from '../market/market.ts'
import type { MarketClock } from '../market/market-clock.ts'
import { staleMs } from '../request-facts.ts'
import { refuse } from '../upstream-server.ts'
import { barJson, quoteJson, tradeJson } from './shapes.ts'

const UNITS: ReadonlyMap<string, BarUnit> = new Map([
  ['Min', 'minute'],
  ['T', 'minute'],
  ['Hour', 'hour'],
  ['H', 'hour'],
  ['Day', 'day'],
  ['D', 'day'],
  ['Week', 'week'],
  ['W', 'week'],
  ['Month', 'month'],
  ['M', 'month'],
])

/** `/v2/stocks` of the data API. */
export function dataRoutes(app: FastifyInstance, market: Market, marketClock: MarketClock): void {
  const unknown = (reply: FastifyReply, symbol: string): FastifyReply =>
    refuse(reply, { status: 404, body: { message: `no trades found for ${symbol}` } })

  app.get<{ Querystring: Record<string, string> }>('/v2/stocks/bars', ({ query }, reply) => bars(query, reply))
  app.get<{ Params: { symbol: string }; Querystring: Record<string, string> }>(
    '/v2/stocks/:symbol/bars',
    ({ params, query }, reply) => bars({ ...query, symbols: params.symbol }, reply),
  )

  app.get<{ Params: { symbol: string } }>('/v2/stocks/:symbol/trades/latest', (request, reply) => {
    const symbol = request.params.symbol.toUpperCase()
    if (!market.has(symbol)) return unknown(reply, symbol)
    return { symbol, trade: tradeJson(aged(market.lastTrade(symbol), request)) }
  })

  app.get<{ Params: { symbol: string } }>('/v2/stocks/:symbol/quotes/latest', (request, reply) => {
    const symbol = request.params.symbol.toUpperCase()
    if (!market.has(symbol)) return unknown(reply, symbol)
    return { symbol, quote: quoteJson(aged(market.quote(symbol), request)) }
  })

  for (const [kind, look] of [
    ['trades', (symbol: string, request: FastifyRequest) => tradeJson(aged(market.lastTrade(symbol), request))],
    ['quotes', (symbol: string, request: FastifyRequest) => quoteJson(aged(market.quote(symbol), request))],
  ] as const) {
    app.get<{ Querystring: { symbols?: string } }>(`/v2/stocks/${kind}/latest`, (request) => {
      const known = listed(request.query.symbols).filter((symbol) => market.has(symbol))
      return { [kind]: Object.fromEntries(known.map((symbol) => [symbol, look(symbol, request)])) }
    })
  }

  app.get<{ Querystring: { symbols?: string } }>('/v2/stocks/snapshots', (request) => {
    const known = listed(request.query.symbols).filter((symbol) => market.has(symbol))
    return Object.fromEntries(known.map((symbol) => [symbol, snapshot(symbol, request)]))
  })

  function bars(query: Record<string, string>, reply: FastifyReply): object {
    const [, amount = '', word = ''] = /^(\d{1,3})([A-Za-z]+)$/.exec(query.timeframe ?? '1Day') ?? []
    const unit = UNITS.get(word)
    if (unit === undefined)
      return refuse(reply, { status: 400, body: { message: `invalid timeframe: ${query.timeframe}` } })
    const symbols = listed(query.symbols).sort()
    const from = timeOf(query.start, marketClock.now() - 86_400_000)
    const to = timeOf(query.end, marketClock.now())
    const limit = Math.min(10_000, Number(query.limit) || 1_000)
    const all = symbols.flatMap((symbol) =>
      market.bars(symbol, { amount: Number(amount), unit, from, to }).map((bar) => ({ symbol, bar })),
    )
    const begin = Number(Buffer.from(query.page_token ?? '', 'base64url').toString()) || 0
    const page = all.slice(begin, begin + limit)
    const bySymbol = new Map<string, object[]>()
    for (const { symbol, bar } of page) bySymbol.set(symbol, [...(bySymbol.get(symbol) ?? []), barJson(bar)])
    reply.header('x-data', symbols.every((symbol) => market.isReal(symbol, unit)) ? 'real' : 'interpolated')
    const more = begin + limit < all.length
    return {
      bars: Object.fromEntries(bySymbol),
      next_page_token: more ? Buffer.from(String(begin + limit)).toString('base64url') : null,
    }
  }

  function snapshot(symbol: string, request: FastifyRequest): object {
    const now = marketClock.now()
    const days = market.bars(symbol, { amount: 1, unit: 'day', from: now - 7 * 86_400_000, to: now })
    const [minute] = market.bars(symbol, { amount: 1, unit: 'minute', from: now - 3 * 60_000, to: now }).slice(-1)
    const [previous, today] = days.slice(-2)
    return {
      latestTrade: tradeJson(aged(market.lastTrade(symbol), request)),
      latestQuote: quoteJson(aged(market.quote(symbol), request)),
      minuteBar: minute === undefined ? null : barJson(minute),
      dailyBar: today === undefined ? null : barJson(today),
      prevDailyBar: previous === undefined ? null : barJson(previous),
    }
  }
}

function aged<T extends { readonly at: number }>(datum: T, request: FastifyRequest): T {
  return { ...datum, at: datum.at - staleMs(request) }
}

function listed(symbols: string | undefined): string[] {
  return (symbols ?? '')
    .split(',')
    .filter((symbol) => symbol !== '')
    .map((symbol) => symbol.toUpperCase())
    .slice(0, 200)
}

function timeOf(text: string | undefined, otherwise: number): number {
  const time = Date.parse(text ?? '')
  return Number.isNaN(time) ? otherwise : time
}
