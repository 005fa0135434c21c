import { randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { dateText, dayAt, isTradingDay } from '../market/new-york-time.ts'
import type { Position } from '../market/portfolio.ts'
import type { Simulation } from '../simulation.ts'
import { type Refusal, refuse } from '../upstream-server.ts'
import { noted, originOf } from './order-routes.ts'
import { isOpen, type Order } from './orders.ts'
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

  app.get('/v2/account/activities', () =>
    simulation.book
      .list()
      .filter((order) => order.status === 'filled')
      .map(activityJson),
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

  app.delete<WithSymbol>('/v2/positions/:symbol', (request, reply) => {
    const position = positionIn(request.params.symbol)
    return position === undefined ? refuse(reply, NO_POSITION) : orderJson(close(request, position))
  })

  function positions(): readonly Position[] {
    simulation.book.settle()
    return [...simulation.book.positions.values()]
  }

  function positionIn(symbol: string): Position | undefined {
    return positions().find((position) => position.symbol === symbol.toUpperCase())
  }

  /** Cancels what is open in the symbol, and sends the opposite of the position to the market. */
  function close(request: FastifyRequest, { symbol, qty }: Position): Order {
    const { book } = simulation
    for (const order of book.list()) {
      if (order.symbol === symbol && isOpen(order)) book.cancel(order, originOf(request, order.clientOrderId))
    }
    const clientOrderId = randomUUID()
    const order = {
      symbol,
      qty: String(Math.abs(qty)),
      side: qty > 0 ? ('sell' as const) : ('buy' as const),
      type: 'market' as const,
      timeInForce: 'day',
      limitPrice: null,
      stopPrice: null,
      clientOrderId,
      extendedHours: false,
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
