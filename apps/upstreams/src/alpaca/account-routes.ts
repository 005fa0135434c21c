import { randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { withoutNoise } from '../market/fills.ts'
import { dateText, dayAt, isTradingDay } from '../market/new-york-time.ts'
import type { Position } from '../market/portfolio.ts'
import type { Simulation } from '../simulation.ts'
import { type Refusal, refuse } from '../upstream-server.ts'
import { isOpen, type Order } from './order.ts'
import { noted, originOf } from './order-routes.ts'
import { readActivitiesQuery } from './queries.ts'
import { accountJson, activityJson, assetJson, orderJson, positionJson, timeText } from './shapes.ts'

interface WithSymbol {
  Params: { symbol: string }
}

/** Days that the calendar answers with at most. */
const LONGEST_CALENDAR = 400

/** Account and positions. */
export function accountRoutes(app: FastifyInstance, simulation: Simulation): void {
  const openedAt = simulation.marketClock.now() - 365 * 86_400_000
  app.get('/v2/account', () => accountJson(simulation.book, openedAt))

  app.get('/v2/account/activities', ({ query }, reply) => activities(query, reply))
  app.get<{ Params: { type: string } }>('/v2/account/activities/:type', ({ params, query }, reply) =>
    params.type.toUpperCase() === 'FILL' ? activities(query, reply) : [],
  )

  app.get('/v2/positions', () => positions().map((position) => positionJson(position, simulation.market)))

  app.delete('/v2/positions', (request, reply) => {
    const closing = positions().map((position) => close(request, position))
    return reply.code(207).send(closing.map((order) => ({ symbol: order.symbol, status: 200, body: orderJson(order) })))
  })

  app.get<WithSymbol>('/v2/positions/:symbol', ({ params }, reply) => {
    const position = positionIn(params.symbol)
    return position === undefined ? refuse(reply, NO_POSITION) : positionJson(position, simulation.market)
  })

  app.delete<WithSymbol & { Querystring: { qty?: string; percentage?: string } }>(
    '/v2/positions/:symbol',
    (request, reply) => {
      const position = positionIn(request.params.symbol)
      if (position === undefined) return refuse(reply, NO_POSITION)
      const { qty, percentage } = request.query
      const held = Math.abs(position.qty)
      const wanted = percentage === undefined ? Number(qty ?? held) : (held * Number(percentage)) / 100
      if (!(wanted > 0 && wanted <= held)) {
        const message = `qty must be above 0 and at most ${held}`
        return refuse(reply, { status: 422, body: { code: 42210000, message } })
      }
      return orderJson(close(request, position, withoutNoise(wanted)))
    },
  )

  /** Fills, newest first, from the one after the last that was told. */
  function activities(query: unknown, reply: FastifyReply): object {
    const page = readActivitiesQuery(query)
    if (typeof page === 'string') return refuse(reply, { status: 422, body: { code: 40010001, message: page } })
    const fills = simulation.book.list().flatMap((order) => order.fills.map((fill) => ({ order, fill })))
    const all = fills.sort((a, b) => b.fill.at - a.fill.at).map(({ order, fill }) => activityJson(order, fill))
    const begin = page.page_token === undefined ? 0 : all.findIndex(({ id }) => id === page.page_token) + 1
    return all.slice(begin, begin + page.page_size)
  }

  function positions(): readonly Position[] {
    simulation.book.settle()
    return [...simulation.book.positions.values()]
  }

  function positionIn(symbol: string): Position | undefined {
    return positions().find((position) => position.symbol === symbol.toUpperCase())
  }

  /** Cancels what is open in the symbol, and sends the opposite of so many shares to the market. */
  function close(request: FastifyRequest, { symbol, qty }: Position, shares = Math.abs(qty)): Order {
    const { book } = simulation
    for (const order of book.list()) {
      if (order.symbol === symbol && isOpen(order)) book.cancel(order, originOf(request, order.clientOrderId))
    }
    const clientOrderId = randomUUID()
    const order = {
      symbol,
      qty: String(shares),
      notional: null,
      side: qty > 0 ? ('sell' as const) : ('buy' as const),
      type: 'market' as const,
      timeInForce: 'day',
      limitPrice: null,
      stopPrice: null,
      trailPrice: null,
      trailPercent: null,
      clientOrderId,
      extendedHours: false,
      positionIntent: null,
      orderClass: 'simple' as const,
      takeProfit: null,
      stopLoss: null,
    }
    return noted(request, book.submit(order, originOf(request, clientOrderId), book.countSubmission(clientOrderId)))
  }
}

/** Clock, calendar and assets. */
export function marketRoutes(app: FastifyInstance, simulation: Simulation): void {
  app.get('/v2/clock', () => {
    const { marketClock } = simulation
    return {
      timestamp: timeText(marketClock.now()),
      is_open: marketClock.isOpen(),
      next_open: timeText(marketClock.nextOpen()),
      next_close: timeText(marketClock.nextClose()),
    }
  })

  app.get('/v3/clock', () => {
    const { marketClock } = simulation
    const isOpen = marketClock.isOpen()
    return {
      clocks: [
        {
          market: { acronym: 'NYSE', name: 'New York Stock Exchange', timezone: 'America/New_York', mic: 'XNYS' },
          timestamp: timeText(marketClock.now()),
          is_market_day: isTradingDay(dayAt(marketClock.now())),
          next_market_open: timeText(marketClock.nextOpen()),
          next_market_close: timeText(marketClock.nextClose()),
          phase: isOpen ? 'core' : 'closed',
          phase_until: timeText(isOpen ? marketClock.nextClose() : marketClock.nextOpen()),
        },
      ],
    }
  })

  app.get<{ Querystring: { start?: string; end?: string } }>('/v2/calendar', ({ query }, reply) => {
    const today = dayAt(simulation.marketClock.now())
    const first = dayOf(query.start, today)
    const last = dayOf(query.end, today + 30)
    if (first === undefined || last === undefined) {
      return refuse(reply, { status: 422, body: { code: 42210000, message: 'start and end are dates: YYYY-MM-DD' } })
    }
    const days: object[] = []
    for (let day = first; day <= Math.min(last, first + LONGEST_CALENDAR); day++) {
      if (!isTradingDay(day)) continue
      days.push({ date: dateText(day), open: '09:30', close: '16:00', session_open: '0400', session_close: '2000' })
    }
    return days
  })

  app.get('/v2/assets', () => simulation.market.symbols.map(({ symbol, name }) => assetJson(symbol, name)))

  app.get<WithSymbol>('/v2/assets/:symbol', ({ params }, reply) => {
    const asset = simulation.market.symbols.find(({ symbol }) => symbol === params.symbol.toUpperCase())
    if (asset !== undefined) return assetJson(asset.symbol, asset.name)
    return refuse(reply, { status: 404, body: { code: 40410000, message: `asset not found for ${params.symbol}` } })
  })
}

const NO_POSITION: Refusal = { status: 404, body: { code: 40410000, message: 'position does not exist' } }

function dayOf(text: string | undefined, otherwise: number): number | undefined {
  if (text === undefined) return otherwise
  // Noon in New York, or near it: on the right day in summer and in winter.
  const noon = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T17:00:00Z`) : Number.NaN
  return Number.isNaN(noon) ? undefined : dayAt(noon)
}
