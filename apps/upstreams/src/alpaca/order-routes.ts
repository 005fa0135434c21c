import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { intentOf } from '../ledger.ts'
import { factsOf } from '../request-facts.ts'
import type { Simulation } from '../simulation.ts'
import { type Refusal, refuse } from '../upstream-server.ts'
import { isOpen, type Order, type OrderRequest } from './order.ts'
import { readChange, readOrder } from './order-body.ts'
import type { Booked, Origin } from './order-book.ts'
import { type OrderQuery, readOrderQuery } from './queries.ts'
import { money, orderJson } from './shapes.ts'

interface WithId {
  Params: { id: string }
}

interface Nested {
  Querystring: { nested?: string }
}

/** `/v2/orders` and below. */
export function orderRoutes(app: FastifyInstance, simulation: Simulation): void {
  app.post('/v2/orders', (request, reply) => {
    const order = readOrder(request.body)
    if (typeof order === 'string') return refuse(reply, invalid(order))
    const attempt = simulation.book.countSubmission(order.clientOrderId)
    const objection = objectionTo(order, simulation)
    if (objection !== undefined) return refuse(reply, objection)
    const booked = simulation.book.submit(order, originOf(request, order.clientOrderId), attempt)
    return orderJson(noted(request, booked), true)
  })

  app.get('/v2/orders', (request, reply) => {
    const query = readOrderQuery(request.query)
    if (typeof query === 'string') return refuse(reply, invalid(query))
    return listed(simulation.book.list(), query).map((order) => orderJson(order, query.nested))
  })

  app.get<{ Querystring: { client_order_id?: string } }>('/v2/orders::by_client_order_id', (request, reply) => {
    const id = request.query.client_order_id ?? ''
    const order = simulation.book.byClientOrderId(id)
    const visible = order !== undefined && simulation.clock.wallTime() - order.bookedAt >= simulation.visibilityLagMs
    return visible ? orderJson(order) : refuse(reply, notFound(id))
  })

  app.get<WithId & Nested>('/v2/orders/:id', ({ params: { id }, query: { nested } }, reply) => {
    const order = simulation.book.get(id)
    return order === undefined ? refuse(reply, notFound(id)) : orderJson(order, nested === 'true')
  })

  app.patch<WithId>('/v2/orders/:id', (request, reply) => {
    const { book } = simulation
    const order = book.get(request.params.id)
    if (order === undefined) return refuse(reply, notFound(request.params.id))
    if (!isOpen(order)) return tooLate(reply, order)
    const changed = readChange(order.request, request.body)
    if (typeof changed === 'string') return refuse(reply, invalid(changed))
    const objection = objectionTo(changed, simulation, book.costOf(order.request))
    if (objection !== undefined) return refuse(reply, objection)
    return orderJson(noted(request, book.replace(order, changed, originOf(request, order.clientOrderId))))
  })

  app.delete<WithId>('/v2/orders/:id', (request, reply) => {
    const order = simulation.book.get(request.params.id)
    if (order === undefined) return refuse(reply, notFound(request.params.id))
    const isUnderWay = order.status === 'pending_cancel'
    const row = isUnderWay ? undefined : simulation.book.cancel(order, originOf(request, order.clientOrderId))
    if (row === undefined) return tooLate(reply, order)
    factsOf(request).ledgerRows.push(row)
    return reply.code(204).send()
  })

  app.delete('/v2/orders', (request, reply) => {
    const open = simulation.book.list().filter(isOpen)
    for (const order of open) {
      const row = simulation.book.cancel(order, originOf(request, order.clientOrderId))
      if (row !== undefined) factsOf(request).ledgerRows.push(row)
    }
    return reply.code(207).send(open.map((order) => ({ id: order.id, status: 200, body: orderJson(order) })))
  })
}

/** Who sends an order, for the ledger. */
export function originOf(request: FastifyRequest, clientOrderId: string): Origin {
  const header = request.headers['x-intent-id']
  const intent = intentOf(typeof header === 'string' ? header : undefined, clientOrderId)
  const { fault } = factsOf(request)
  return { intent, faultId: fault?.id ?? null, isTurnedDown: fault?.action.type === 'rejectLater' }
}

/** Notes that a request booked an order, so that the ledger learns whether its answer arrived. */
export function noted(request: FastifyRequest, { order, row }: Booked): Order {
  factsOf(request).ledgerRows.push(row)
  return order
}

function listed(orders: readonly Order[], query: OrderQuery): readonly Order[] {
  const wanted = orders
    .filter((order) => !query.nested || order.parent === null)
    .filter((order) => query.status === 'all' || isOpen(order) === (query.status === 'open'))
    .filter((order) => query.symbols === undefined || query.symbols.includes(order.symbol))
    .filter((order) => query.side === undefined || order.side === query.side)
    .filter((order) => query.after === undefined || order.createdAt > query.after)
    .filter((order) => query.until === undefined || order.createdAt < query.until)
  return (query.direction === 'asc' ? [...wanted].reverse() : wanted).slice(0, query.limit)
}

/** Why the broker does not take an order. @param released what an order that it replaces had bound, in dollars */
function objectionTo(order: OrderRequest, { book, market }: Simulation, released = 0): Refusal | undefined {
  if (book.byClientOrderId(order.clientOrderId) !== undefined) return invalid('client_order_id must be unique')
  if (!market.has(order.symbol)) {
    return { status: 422, body: { code: 42210000, message: `asset "${order.symbol}" not found` } }
  }
  const held = book.positions.get(order.symbol)?.qty ?? 0
  if (order.side === 'sell' && order.qty !== null && !Number.isInteger(Number(order.qty)) && Number(order.qty) > held) {
    const message = `insufficient qty available for order (requested: ${order.qty}, available: ${held})`
    return { status: 403, body: { available: String(held), code: 40310000, existing_qty: String(held), message } }
  }
  const cost = book.costOf(order)
  const power = book.buyingPower + released
  if (cost <= power) return undefined
  const message = 'insufficient buying power'
  return { status: 403, body: { buying_power: money(power), code: 40310000, cost_basis: money(cost), message } }
}

function invalid(message: string): Refusal {
  return { status: 422, body: { code: 40010001, message } }
}

function notFound(id: string): Refusal {
  return { status: 404, body: { code: 40410000, message: `order not found for ${id}` } }
}

function tooLate(reply: FastifyReply, order: Order): FastifyReply {
  return refuse(reply, {
    status: 422,
    body: { code: 42210000, message: `order is already in "${order.status}" state` },
  })
}
