import type { FastifyInstance } from 'fastify'
import { ORIGIN_HEADER } from '../data-origin.ts'
import { DAY_MS, offsetAt } from '../market/new-york-time.ts'
import { staleMs } from '../request-facts.ts'
import type { Simulation } from '../simulation.ts'
import { refuse } from '../upstream-server.ts'
import { complaint, onlyAt } from './answers.ts'
import { listingOf } from './listing.ts'

interface QuoteRoute {
  Querystring: { symbols?: string; crumb?: string }
}

/** Quotes, which need a crumb. */
export function quoteRoutes(app: FastifyInstance, simulation: Simulation): void {
  app.get<QuoteRoute>('/v7/finance/quote', { preHandler: onlyAt('query2.finance.yahoo.com') }, (request, reply) => {
    const { symbols = '', crumb } = request.query
    const expected = simulation.crumbs.crumbFor(request.headers.cookie)
    if (expected === undefined || crumb !== expected) {
      return refuse(reply, { status: 401, body: complaint('finance', 'Unauthorized', 'Invalid Crumb') })
    }
    const wanted = symbols.split(',').map((symbol) => symbol.toUpperCase())
    if (symbols === '') {
      return refuse(reply, {
        status: 400,
        body: complaint('finance', 'Bad Request', 'Missing value for the "symbols" argument'),
      })
    }
    reply.header(ORIGIN_HEADER, 'interpolated')
    // A symbol that is not traded is left out.
    const known = wanted.filter((symbol) => listingOf(simulation.market, symbol) !== undefined)
    return {
      quoteResponse: { result: known.map((symbol) => quoteJson(simulation, symbol, staleMs(request))), error: null },
    }
  })
}

/** @param ageMs how old it is made to look */
function quoteJson({ market, marketClock }: Simulation, yahooSymbol: string, ageMs: number): object {
  const listing = listingOf(market, yahooSymbol)
  if (listing === undefined) return {}
  const { symbol, name, quoteType, exchange, fullExchangeName } = listing
  const { at, price } = market.lastTrade(symbol)
  const { bid, bidSize, ask, askSize } = market.quote(symbol)
  const before = market.previousClose(symbol)
  const change = price - before
  const now = marketClock.now()
  const [day] = market.bars(symbol, { amount: 1, unit: 'day', from: now - DAY_MS, to: now }).slice(-1)
  return {
    language: 'en-US',
    region: 'US',
    quoteType,
    typeDisp: quoteType === 'INDEX' ? 'Index' : 'Equity',
    quoteSourceName: 'Delayed Quote',
    triggerable: true,
    customPriceAlertConfidence: 'HIGH',
    currency: 'USD',
    exchange,
    fullExchangeName,
    market: 'us_market',
    marketState: marketClock.isOpen() ? 'REGULAR' : 'CLOSED',
    shortName: name,
    longName: name,
    esgPopulated: false,
    tradeable: false,
    cryptoTradeable: false,
    hasPrePostMarketData: true,
    firstTradeDateMilliseconds: 345_479_400_000,
    priceHint: 2,
    regularMarketPrice: price,
    regularMarketTime: Math.floor((at - ageMs) / 1_000),
    regularMarketChange: change,
    regularMarketChangePercent: (change / before) * 100,
    regularMarketPreviousClose: before,
    ...(day === undefined
      ? {}
      : {
          regularMarketOpen: day.open,
          regularMarketDayHigh: day.high,
          regularMarketDayLow: day.low,
          regularMarketVolume: day.volume,
        }),
    bid,
    bidSize,
    ask,
    askSize,
    sourceInterval: 15,
    exchangeDataDelayedBy: 0,
    exchangeTimezoneName: 'America/New_York',
    exchangeTimezoneShortName: 'EST',
    gmtOffSetMilliseconds: offsetAt(now),
    symbol: yahooSymbol,
  }
}
