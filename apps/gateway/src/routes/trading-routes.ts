import type { Broker, Order, OrderRequest } from '@holdfast/trading'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { OrderStop } from '../control/kill-switch.ts'
import { requestSignal } from '../request-signal.ts'
import { clientOrderId, orderId } from './order-id.ts'

const decimal = z.string('it must be a decimal text such as "10.5"').max(30)

const orderBody = z.strictObject({
  symbol: z.string().min(1).max(21),
  side: z.enum(['buy', 'sell']),
  quantity: decimal,
  type: z.enum(['market', 'limit', 'stop', 'stop_limit']),
  limitPrice: decimal.optional(),
  stopPrice: decimal.optional(),
  timeInForce: z.enum(['day', 'gtc', 'opg', 'cls', 'ioc', 'fok']).optional(),
  clientOrderId: clientOrderId.optional(),
})

const orderQuery = z.strictObject({ by: z.enum(['id', 'clientOrderId']).default('id') })

const orderParams = z.object({ id: orderId })

/** Account, positions and orders. */
export function tradingRoutes(app: FastifyInstance, broker: Broker, orderStop: OrderStop): void {
  const config = { service: 'alpaca' } as const

  app.get('/v1/account', { config }, (_request, reply) => broker.getAccount({ signal: requestSignal(reply) }))

  app.get('/v1/positions', { config }, (_request, reply) => broker.getPositions({ signal: requestSignal(reply) }))

  app.post('/v1/orders', { config }, async (request, reply): Promise<Order> => {
    const body: OrderRequest = orderBody.parse(request.body)
    orderStop.check()
    // Without the client's signal: an order that may have been sent is not given up because the client is gone.
    const order = await broker.submitOrder(body)
    reply.code(201).header('location', `/v1/orders/${order.id}`)
    return order
  })

  app.get('/v1/orders/:id', { config }, async (request, reply): Promise<Order> => {
    const { by } = orderQuery.parse(request.query)
    const options = { signal: requestSignal(reply) }
    const { id } = orderParams.parse(request.params)
    return by === 'id' ? await broker.getOrder(id, options) : await broker.getOrderByClientOrderId(id, options)
  })

  app.delete('/v1/orders/:id', { config }, async (request, reply) => {
    const { id } = orderParams.parse(request.params)
    // Without the client's signal, as with an order: what may have been sent is not given up.
    await broker.cancelOrder(id)
    return reply.code(204).send()
  })
}
