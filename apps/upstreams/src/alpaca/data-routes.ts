import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { ORIGIN_HEADER, originOfBars } from '../data-origin.ts'
import { staleMs } from '../request-facts.ts'
import type { Simulation } from '../simulation.ts'
import { refuse } from '../upstream-server.ts'
import { type BarsQuery, pageToken, readBarsQuery, readSymbols } from './queries.ts'
import { barJson, quoteJson, tradeJson } from './shapes.ts'

const DAY_MS = 86_400_000

/** How old data of all exchanges must be for the free plan. */
const SIP_DELAY_MS = 900_000

interface WithSymbol {
  Params: { symbol: string }
}

/** `/v2/stocks` of the data API. */
export function dataRoutes(app: FastifyInstance, simulation: Simulation): void {
  const trade = (symbol: string, request: FastifyRequest): object =>
    tradeJson(aged(simulation.market.lastTrade(symbol), request))
  const quote = (symbol: string, request: FastifyRequest): object =>
    quoteJson(aged(simulation.market.quote(symbol), request))

  app.get('/v2/stocks/bars', ({ query }, reply) => answerBars(reply, readBarsQuery(query)))
  app.get<WithSymbol & { Querystring: Record<string, string> }>('/v2/stocks/:symbol/bars', ({ params, query }, reply) =>
    answerBars(reply, readBarsQuery({ ...query, symbols: params.symbol })),
  )

  for (const [one, many, look] of [
    ['trade', 'trades', trade],
    ['quote', 'quotes', quote],
  ] as const) {
    app.get<WithSymbol>(`/v2/stocks/:symbol/${many}/latest`, (request, reply) => {
      const symbol = request.params.symbol.toUpperCase()
      if (!simulation.market.has(symbol)) {
        return refuse(reply, { status: 404, body: { message: `no ${one} found for ${symbol}` } })
      }
      reply.header(ORIGIN_HEADER, 'interpolated')
      return { symbol, [one]: look(symbol, request) }
    })
    app.get(`/v2/stocks/${many}/latest`, (request, reply) => {
      reply.header(ORIGIN_HEADER, 'interpolated')
      return { [many]: eachOf(request, (symbol) => look(symbol, request)) }
    })
  }

  app.get('/v2/stocks/snapshots', (request, reply) => {
    reply.header(ORIGIN_HEADER, 'interpolated')
    return eachOf(request, (symbol) => snapshot(symbol, request))
  })

  /** By symbol; a symbol that is not traded is left out, as the real service does. */
  function eachOf(request: FastifyRequest, look: (symbol: string) => object): object {
    const known = readSymbols(request.query).filter((symbol) => simulation.market.has(symbol))
    return Object.fromEntries(known.map((symbol) => [symbol, look(symbol)]))
  }

  function answerBars(reply: FastifyReply, query: BarsQuery | string): object {
    if (typeof query === 'string') return refuse(reply, { status: 400, body: { message: query } })
    const { market, marketClock } = simulation
    const now = marketClock.now()
    const { timeframe, start: from = now - DAY_MS, end: to = now, limit, page_token: begin, feed } = query
    // What the free plan may not see.
    if (feed === 'sip' && to > now - SIP_DELAY_MS) {
      return refuse(reply, { status: 403, body: { message: 'subscription does not permit querying recent SIP data' } })
    }
    const symbols = [...new Set(query.symbols)].sort()
    const all = symbols.flatMap((symbol) =>
      market.bars(symbol, { ...timeframe, from, to }).map((bar) => ({ symbol, bar })),
    )
    const bySymbol = new Map<string, object[]>()
    for (const { symbol, bar } of all.slice(begin, begin + limit)) {
      const bars = bySymbol.get(symbol) ?? []
      bars.push(barJson(bar))
      bySymbol.set(symbol, bars)
    }
    const origins = symbols.map((symbol) => originOfBars(market, marketClock, { symbol, unit: timeframe.unit, to }))
    reply.header(ORIGIN_HEADER, origins.every((origin) => origin === 'real') ? 'real' : 'interpolated')
    return {
      bars: Object.fromEntries(bySymbol),
      next_page_token: begin + limit < all.length ? pageToken(begin + limit) : null,
    }
  }

  function snapshot(symbol: string, request: FastifyRequest): object {
    const { market, marketClock } = simulation
    const now = marketClock.now()
    const days = market.bars(symbol, { amount: 1, unit: 'day', from: now - 7 * DAY_MS, to: now })
    const [minute] = market.bars(symbol, { amount: 1, unit: 'minute', from: now - 3 * 60_000, to: now }).slice(-1)
    const [previous, today] = days.slice(-2)
    return {
      latestTrade: trade(symbol, request),
      latestQuote: quote(symbol, request),
      minuteBar: minute === undefined ? null : barJson(minute),
      dailyBar: today === undefined ? null : barJson(today),
      prevDailyBar: previous === undefined ? null : barJson(previous),
    }
  }
}

/** Market data as old as a `stale` fault wants it to look. */
function aged<T extends { readonly at: number }>(datum: T, request: FastifyRequest): T {
  return { ...datum, at: datum.at - staleMs(request) }
}
