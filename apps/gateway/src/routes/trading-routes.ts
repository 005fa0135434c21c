import { PROBLEM_JSON, problem } from '@holdfast/http'
import { acceptedOrder, type Broker, type Order, type OrderOutcome } from '@holdfast/trading'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { refuseForeignPages } from '../access/foreign-pages.ts'
import { clientOrderId, orderId } from './order-id.ts'

const decimal = z.string('it must be a decimal text such as "10.5"').max(30)
const timeInForce = z.enum(['day', 'gtc', 'opg', 'cls', 'ioc', 'fok']).optional()

export const orderBody = z.strictObject({
  symbol: z.string().min(1).max(21),
  side: z.enum(['buy', 'sell']),
  quantity: decimal,
  type: z.enum(['market', 'limit', 'stop', 'stop_limit']),
  limitPrice: decimal.optional(),
  stopPrice: decimal.optional(),
  timeInForce,
  clientOrderId: clientOrderId.optional(),
})

export const changeBody = z.strictObject({
  quantity: decimal.optional(),
  limitPrice: decimal.optional(),
  stopPrice: decimal.optional(),
  timeInForce,
  clientOrderId: clientOrderId.optional(),
})

const orderParams = z.object({ id: orderId })

/** Account, positions and orders. @param brokers by name; the first is meant where a request names none */
export function tradingRoutes(app: FastifyInstance, brokers: ReadonlyMap<string, Broker>): void {
  const names = [...brokers.keys()]
  const [first = ''] = names
  const config = { service: first } as const
  // What makes or reduces risk is turned away last.
  const change = { config: { service: first, priority: 'critical' }, onRequest: refuseForeignPages } as const
  const broker = z.enum(names, `it must be one of ${names.join(', ')}`).default(first)
  const which = z.strictObject({ broker })
  const orderQuery = z.strictObject({ broker, by: z.enum(['id', 'clientOrderId']).default('id') })

  const named = (name: string, reply: FastifyReply): Broker => {
    const found = brokers.get(name)
    if (found === undefined) throw new Error(`${name} is none of the brokers, although the query was checked`)
    reply.answeredBy = name
    return found
  }
  /** How a path says which broker it means. */
  const suffix = ({ answeredBy }: FastifyReply): string => (answeredBy === first ? '' : `?broker=${answeredBy}`)
  const asked = ({ query }: FastifyRequest, reply: FastifyReply): Broker => named(which.parse(query).broker, reply)

  app.get('/v1/account', { config }, (request, reply) => asked(request, reply).getAccount(request.caller.forRead()))

  app.get('/v1/positions', { config }, (request, reply) => asked(request, reply).getPositions(request.caller.forRead()))

  app.get('/v1/orders', { config }, (request, reply) => asked(request, reply).getOpenOrders(request.caller.forRead()))

  app.post('/v1/orders', change, async (request, reply) => {
    const body = orderBody.parse(request.body)
    const outcome = await asked(request, reply).submitOrder(body, request.caller.forOrder())
    return answerOutcome(reply, outcome, suffix(reply))
  })

  app.get('/v1/orders/:id', { config }, async (request, reply) => {
    const query = orderQuery.parse(request.query)
    const options = request.caller.forRead()
    const { id } = orderParams.parse(request.params)
    if (query.by === 'id') return await named(query.broker, reply).getOrder(id, options)
    return (await named(query.broker, reply).findOrder(id, options)) ?? answerNoOrder(reply, id)
  })

  app.patch('/v1/orders/:id', change, async (request, reply) => {
    const { id } = orderParams.parse(request.params)
    const change = changeBody.parse(request.body)
    const outcome = await asked(request, reply).replaceOrder(id, change, request.caller.forOrder())
    return answerOutcome(reply, outcome, suffix(reply))
  })

  app.delete('/v1/orders/:id', change, async (request, reply) => {
    const { id } = orderParams.parse(request.params)
    // Without the client's signal, as with an order: what may have been sent is not given up.
    const outcome = await asked(request, reply).cancelOrder(id)
    return outcome.status === 'requested' ? reply.code(204).send() : outcome.order
  })

  app.delete('/v1/orders', change, async (request, reply) => {
    await asked(request, reply).cancelAll()
    return reply.code(204).send()
  })
}

/**
 * 201 for an order that the broker has now; 200 when it was asked for before. What is not accepted is a problem.
 *
 * @param suffix of the path at which the order is found
 */
function answerOutcome(reply: FastifyReply, outcome: OrderOutcome, suffix: string): Order {
  // The error itself tells more than the outcome that it led to.
  const cause = outcome.status === 'never-sent' || outcome.status === 'refused' ? outcome.cause : undefined
  if (cause !== undefined) throw cause
  const order = acceptedOrder(outcome)
  const isNews = outcome.status === 'accepted' && outcome.evidence !== 'journal'
  reply.code(isNews ? 201 : 200).header('location', `/v1/orders/${order.id}${suffix}`)
  return order
}

function answerNoOrder(reply: FastifyReply, id: string): FastifyReply {
  const detail = `The broker knows no order with the client order id ${id}. Soon after it was sent that proves nothing.`
  return reply
    .code(404)
    .type(PROBLEM_JSON)
    .send(problem('no-such-order', 404, 'No such order', detail))
}
