import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from 'holdfast'
import { intentOf, type Ledger } from '../ledger.ts'
import type { Market } from '../market/market.ts'
import type { MarketClock } from '../market/market-clock.ts'
import { dateText, dayAt, isTradingDay } from '../market/new-york-time.ts'
import { factsOf } from '../request-facts.ts'
import { refuse } from '../upstream-server.ts'
import { readChange, readOrder } from './order-body.ts'
import { isOpen, type Order, type OrderBook, type OrderRequest, type Origin } from './orders.ts'
import { accountJson, assetJson, orderJson, positionJson, timeText } from './shapes.ts'

/** What the routes of the trading API work with. */
export interface TradingDesk {
  readonly clock: Clock
  readonly market: Market
  readonly marketClock: MarketClock
  readonly ledger: Ledger
  /** Replaced as a whole by a reset. */
  book(): OrderBook
  /** For how long after it was booked a lookup by client order id does not find an order, in milliseconds. */
  visibilityLagMs(): number
}

interface WithId {
  Params: { id: string }
}

interface WithSymbol {
  Params: { symbol: string }
}

/** `/v2/orders` and below. */
export function orderRoutes(app: FastifyInstance, desk: TradingDesk): void {
  const origin = (request: FastifyRequest, clientOrderId: string): Origin => {
    const header = request.headers['x-intent-id']
    const intent = intentOf(typeof header === 'string' ? header : undefined, clientOrderId)
    return { intent, faultId: factsOf(request).fault?.id ?? null, at: desk.clock.wallTime() }
  }
  const notFound = (reply: FastifyReply, id: string): FastifyReply =>
    refuse(reply, { status: 404, body: { code: 40410000, message: `order not found for ${id}` } })
  const tooLate = (reply: FastifyReply, order: Order): FastifyReply =>
    refuse(reply, { status: 422, body: { code: 42210000, message: `order is already in "${order.status}" state` } })

  app.post('/v2/orders', (request, reply) => {
    const order = readOrder(request.body)
    if (typeof order === 'string') return refuse(reply, { status: 422, body: { code: 40010001, message: order } })
    const book = desk.book()
    const attempt = book.countSubmission(order.clientOrderId)
    const objection = objectionTo(order, desk)
    if (objection !== undefined) return refuse(reply, objection)
    const { order: booked, row } = book.submit(order, origin(request, order.clientOrderId), attempt)
    factsOf(request).ledgerRows.push(row)
    return orderJson(booked)
  })

  app.get<{ Querystring: Record<string, string> }>('/v2/orders', (request) => {
    const { status = 'open', limit = '50', symbols, side, direction = 'desc', after, until } = request.query
    const wanted = symbols?.split(',')
    const orders = desk
      .book()
      .list()
      .filter((order) => status === 'all' || isOpen(order) === (status === 'open'))
      .filter((order) => wanted === undefined || wanted.includes(order.symbol))
      .filter((order) => side === undefined || order.side === side)
      .filter((order) => after === undefined || order.createdAt > Date.parse(after))
      .filter((order) => until === undefined || order.createdAt < Date.parse(until))
    return (direction === 'asc' ? [...orders].reverse() : orders)
      .slice(0, Math.min(500, Number(limit) || 50))
      .map(orderJson)
  })

  app.get<{ Querystring: { client_order_id?: string } }>('/v2/orders::by_client_order_id', (request, reply) => {
    const id = request.query.client_order_id ?? ''
    const order = desk.book().byClientOrderId(id)
    const visible = order !== undefined && desk.clock.wallTime() - order.bookedAt >= desk.visibilityLagMs()
    return visible ? orderJson(order) : notFound(reply, id)
  })

  app.get<WithId>('/v2/orders/:id', ({ params: { id } }, reply) => {
    const order = desk.book().get(id)
    return order === undefined ? notFound(reply, id) : orderJson(order)
  })

  app.patch<WithId>('/v2/orders/:id', (request, reply) => {
    const book = desk.book()
    const order = book.get(request.params.id)
    if (order === undefined) return notFound(reply, request.params.id)
    if (!isOpen(order)) return tooLate(reply, order)
    const change = readChange(request.body)
    if (typeof change === 'string') return refuse(reply, { status: 422, body: { code: 40010001, message: change } })
    const { order: replaced, row } = book.replace(order, change, origin(request, order.clientOrderId))
    factsOf(request).ledgerRows.push(row)
    return orderJson(replaced)
  })

  app.delete<WithId>('/v2/orders/:id', (request, reply) => {
    const book = desk.book()
    const order = book.get(request.params.id)
    if (order === undefined) return notFound(reply, request.params.id)
    const row = book.cancel(order, origin(request, order.clientOrderId))
    if (row === undefined) return tooLate(reply, order)
    factsOf(request).ledgerRows.push(row)
    return reply.code(204).send()
  })

  app.delete('/v2/orders', (request, reply) => {
    const book = desk.book()
    const open = book.list().filter(isOpen)
    for (const order of open) {
      const row = book.cancel(order, origin(request, order.clientOrderId))
      if (row !== undefined) factsOf(request).ledgerRows.push(row)
    }
    return reply.code(207).send(open.map((order) => ({ id: order.id, status: 200, body: orderJson(order) })))
  })
}

/** Account, positions, calendar and assets. */
export function accountRoutes(app: FastifyInstance, desk: TradingDesk): void {
  const openedAt = desk.marketClock.now() - 365 * 86_400_000
  app.get('/v2/account', () => accountJson(desk.book(), desk.market, openedAt))

  app.get('/v2/positions', () => {
    const book = desk.book()
    book.settle()
    return [...book.positions.values()].map((position) => positionJson(position, desk.market))
  })

  app.get<WithSymbol>('/v2/positions/:symbol', ({ params: { symbol } }, reply) => {
    const book = desk.book()
    book.settle()
    const position = book.positions.get(symbol.toUpperCase())
    if (position !== undefined) return positionJson(position, desk.market)
    return refuse(reply, { status: 404, body: { code: 40410000, message: 'position does not exist' } })
  })

  app.get('/v2/clock', () => {
    const { marketClock } = desk
    return {
      timestamp: timeText(marketClock.now()),
      is_open: marketClock.isOpen(),
      next_open: timeText(marketClock.nextOpen()),
      next_close: timeText(marketClock.nextClose()),
    }
  })

  app.get<{ Querystring: { start?: string; end?: string } }>('/v2/calendar', ({ query }) => {
    const today = dayAt(desk.marketClock.now())
    const first = query.start === undefined ? today : dayAt(Date.parse(`${query.start}T17:00:00Z`))
    const last = Math.min(
      first + 400,
      query.end === undefined ? today + 30 : dayAt(Date.parse(`${query.end}T17:00:00Z`)),
    )
    const days: object[] = []
    for (let day = first; day <= last; day++) {
      if (!isTradingDay(day)) continue
      days.push({ date: dateText(day), open: '09:30', close: '16:00', session_open: '0400', session_close: '2000' })
    }
    return days
  })

  app.get('/v2/assets', () => desk.market.symbols.map(({ symbol, name }) => assetJson(symbol, name)))

  app.get<WithSymbol>('/v2/assets/:symbol', ({ params }, reply) => {
    const asset = desk.market.symbols.find(({ symbol }) => symbol === params.symbol.toUpperCase())
    if (asset !== undefined) return assetJson(asset.symbol, asset.name)
    return refuse(reply, { status: 404, body: { code: 40410000, message: `asset not found for ${params.symbol}` } })
  })
}

/** Why the broker does not take an order. */
function objectionTo(order: OrderRequest, desk: TradingDesk): { status: number; body: unknown } | undefined {
  const book = desk.book()
  if (book.byClientOrderId(order.clientOrderId) !== undefined) {
    return { status: 422, body: { code: 40010001, message: 'client_order_id must be unique' } }
  }
  if (!desk.market.has(order.symbol)) {
    return { status: 422, body: { code: 42210000, message: `asset "${order.symbol}" not found` } }
  }
  const cost = Number(order.qty) * Number(order.limitPrice ?? desk.market.quote(order.symbol).ask)
  if (order.side === 'buy' && cost > book.cash) {
    const body = {
      buying_power: String(book.cash),
      code: 40310000,
      cost_basis: String(cost),
      message: 'insufficient buying power',
    }
    return { status: 403, body }
  }
  return undefined
}
