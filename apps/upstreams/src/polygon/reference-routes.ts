import type { FastifyInstance } from 'fastify'
import type { Simulation } from '../simulation.ts'
import { refuse } from '../upstream-server.ts'
import { symbolOf } from './aggregate-routes.ts'
import { requestId, unknownTicker } from './answers.ts'
import { paged, readPage } from './pages.ts'

/** Tickers and the state of the market. */
export function referenceRoutes(app: FastifyInstance, simulation: Simulation): void {
  app.get<{ Querystring: { ticker?: string } }>('/v3/reference/tickers', (request, reply) => {
    const wanted = readPage(request, 100, 1_000)
    if ('status' in wanted) return refuse(reply, wanted)
    const { ticker } = request.query
    const known = simulation.market.symbols.filter(({ symbol }) => ticker === undefined || symbol === symbolOf(ticker))
    const { page, next } = paged(request, known, wanted)
    const results = page.map(({ symbol, name }) => tickerJson(symbol, name))
    return { results, status: 'OK', request_id: requestId(), count: results.length, ...next }
  })

  app.get<{ Params: { ticker: string } }>('/v3/reference/tickers/:ticker', ({ params }, reply) => {
    const known = simulation.market.symbols.find(({ symbol }) => symbol === symbolOf(params.ticker))
    if (known === undefined) return refuse(reply, unknownTicker())
    return { request_id: requestId(), results: tickerJson(known.symbol, known.name), status: 'OK' }
  })

  app.get('/v1/marketstatus/now', () => {
    const state = simulation.marketClock.isOpen() ? 'open' : 'closed'
    return {
      afterHours: false,
      earlyHours: false,
      market: state,
      serverTime: new Date(simulation.marketClock.now()).toISOString(),
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
