import type { FastifyInstance } from 'fastify'
import type { Market } from '../market/market.ts'
import type { MarketClock } from '../market/market-clock.ts'
import { refuse } from '../upstream-server.ts'
import { nextUrl, symbolOf } from './aggregate-routes.ts'
import { requestId, unknownTicker } from './answers.ts'

/** Tickers and the state of the market. */
export function referenceRoutes(app: FastifyInstance, market: Market, marketClock: MarketClock): void {
  app.get<{ Querystring: { limit?: string; cursor?: string } }>('/v3/reference/tickers', (request) => {
    const limit = Math.min(1_000, Number(request.query.limit) || 100)
    const begin = Number(Buffer.from(request.query.cursor ?? '', 'base64url').toString()) || 0
    const results = market.symbols.slice(begin, begin + limit).map(({ symbol, name }) => tickerJson(symbol, name))
    const more = begin + limit < market.symbols.length
    const next = more ? { next_url: nextUrl(request, begin + limit) } : {}
    return { results, status: 'OK', request_id: requestId(), count: results.length, ...next }
  })

  app.get<{ Params: { ticker: string } }>('/v3/reference/tickers/:ticker', ({ params }, reply) => {
    const known = market.symbols.find(({ symbol }) => symbol === symbolOf(params.ticker))
    if (known === undefined) return refuse(reply, unknownTicker())
    return { request_id: requestId(), results: tickerJson(known.symbol, known.name), status: 'OK' }
  })

  app.get('/v1/marketstatus/now', () => {
    const state = marketClock.isOpen() ? 'open' : 'closed'
    return {
      afterHours: false,
      earlyHours: false,
      market: state,
      serverTime: new Date(marketClock.now()).toISOString(),
      exchanges: { nasdaq: state, nyse: state, otc: state },
      currencies: { crypto: 'open', fx: 'open' },
    }
  })
}

function tickerJson(ticker: string, name: string): object {
  return {
    ticker,
    name,
    market: 'stocks',
    locale: 'us',
    primary_exchange: 'XNAS',
    type: 'CS',
    active: true,
    currency_name: 'usd',
  }
}
