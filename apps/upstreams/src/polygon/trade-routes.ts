import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ORIGIN_HEADER } from '../data-origin.ts'
import { staleMs } from '../request-facts.ts'
import type { Simulation } from '../simulation.ts'
import { refuse } from '../upstream-server.ts'
import { barJson, previousDay, symbolOf } from './aggregate-routes.ts'
import { requestId, unknownTicker } from './answers.ts'

interface WithTicker {
  Params: { ticker: string }
}

/** Last trade, last quote, snapshots. */
export function tradeRoutes(app: FastifyInstance, simulation: Simulation): void {
  app.get<WithTicker>('/v2/last/trade/:ticker', (request, reply) => {
    const ticker = symbolOf(request.params.ticker)
    if (!simulation.market.has(ticker)) return refuse(reply, unknownTicker())
    reply.header(ORIGIN_HEADER, 'interpolated')
    return { request_id: requestId(), status: 'OK', results: lastTrade(ticker, request) }
  })

  app.get<WithTicker>('/v2/last/nbbo/:ticker', (request, reply) => {
    const ticker = symbolOf(request.params.ticker)
    if (!simulation.market.has(ticker)) return refuse(reply, unknownTicker())
    reply.header(ORIGIN_HEADER, 'interpolated')
    return { request_id: requestId(), status: 'OK', results: lastQuote(ticker, request) }
  })

  app.get<{ Querystring: { tickers?: string } }>('/v2/snapshot/locale/us/markets/stocks/tickers', (request, reply) => {
    const wanted = request.query.tickers?.split(',').map(symbolOf)
    const tickers = simulation.market.symbols
      .filter(({ symbol }) => wanted === undefined || wanted.includes(symbol))
      .map(({ symbol }) => snapshot(symbol, request))
    reply.header(ORIGIN_HEADER, 'interpolated')
    return { status: 'OK', request_id: requestId(), count: tickers.length, tickers }
  })

  app.get<WithTicker>('/v2/snapshot/locale/us/markets/stocks/tickers/:ticker', (request, reply) => {
    const ticker = symbolOf(request.params.ticker)
    if (!simulation.market.has(ticker)) return refuse(reply, unknownTicker())
    reply.header(ORIGIN_HEADER, 'interpolated')
    return { status: 'OK', request_id: requestId(), ticker: snapshot(ticker, request) }
  })

  function lastTrade(ticker: string, request: FastifyRequest): object {
    const { at, price, size } = simulation.market.lastTrade(ticker)
    const t = nanoseconds(at - staleMs(request))
    return {
      T: ticker,
      i: String(Math.floor(at / 1_000) % 1_000_000),
      p: price,
      q: 1,
      s: size,
      t,
      x: 4,
      y: t,
      ds: String(size),
      z: 3,
      c: [12],
    }
  }

  function lastQuote(ticker: string, request: FastifyRequest): object {
    const { at, bid, bidSize, ask, askSize } = simulation.market.quote(ticker)
    const t = nanoseconds(at - staleMs(request))
    return { T: ticker, P: ask, S: askSize, p: bid, s: bidSize, X: 4, x: 4, q: 1, t, y: t, z: 3 }
  }

  function snapshot(ticker: string, request: FastifyRequest): object {
    const { market, marketClock } = simulation
    const now = marketClock.now()
    const [day] = market.bars(ticker, { amount: 1, unit: 'day', from: now - 86_400_000, to: now }).slice(-1)
    const [minute] = market.bars(ticker, { amount: 1, unit: 'minute', from: now - 3 * 60_000, to: now }).slice(-1)
    const [previous] = previousDay(market, marketClock, ticker)
    const { price } = market.lastTrade(ticker)
    const before = market.previousClose(ticker)
    return {
      ticker,
      todaysChange: Math.round((price - before) * 100) / 100,
      todaysChangePerc: Math.round(((price - before) / before) * 1e6) / 1e4,
      updated: nanoseconds(now - staleMs(request)),
      day: day === undefined ? {} : barJson(day),
      min: minute === undefined ? {} : barJson(minute),
      prevDay: previous === undefined ? {} : barJson(previous),
      lastTrade: lastTrade(ticker, request),
      lastQuote: lastQuote(ticker, request),
    }
  }
}

/** Polygon's times are nanoseconds since 1970; beyond 2^53 they lose their last digits, as the real ones do in JavaScript. */
function nanoseconds(at: number): number {
  return at * 1_000_000
}
