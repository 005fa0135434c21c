/** Orders whose fate is unknown: which they are, and an operator's word about one. */
import type { Broker, JournalEntry } from '@holdfast/trading'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Access } from '../access/access.ts'
import { clientOrderId, orderId } from './order-id.ts'

const params = z.object({ clientOrderId })

const resolution = z.strictObject({
  /** The broker's id of the order; null when the broker never had it. */
  orderId: orderId.nullable(),
  note: z.string().trim().min(3, 'it must say in 3 to 500 characters how that was found out').max(500),
})

/** @param access who may resolve an order; undefined: nobody, because nobody is known by name */
export function doubtRoutes(app: FastifyInstance, brokers: ReadonlyMap<string, Broker>, access?: Access): void {
  app.get('/v1/orders/in-doubt', () => ({
    orders: [...brokers].flatMap(([broker, each]) => each.inDoubt().map((entry) => ({ broker, ...shown(entry) }))),
  }))

  if (access === undefined) return
  app.post('/v1/orders/in-doubt/:clientOrderId', { preHandler: [access.requires('operator')] }, async (request) => {
    const { clientOrderId: id } = params.parse(request.params)
    const { orderId: found, note } = resolution.parse(request.body)
    const by = access.principalOf(request)?.name ?? 'somebody'
    const [name, broker] = brokerOf(brokers, id)
    return { broker: name, ...shown(await broker.resolve(id, { orderId: found, by, note })) }
  })
}

/** The broker that is in doubt about an order; the first one, which will say that it is not, if none is. */
function brokerOf(brokers: ReadonlyMap<string, Broker>, id: string): readonly [string, Broker] {
  const all = [...brokers]
  const doubting = all.find(([, broker]) => broker.inDoubt().some((entry) => entry.clientOrderId === id)) ?? all[0]
  if (doubting === undefined) throw new Error('a gateway has a broker')
  return doubting
}

function shown({ account, clientOrderId: id, intent, state, attempts, reason, intendedAt, changedAt }: JournalEntry) {
  return { account, clientOrderId: id, intent, state, attempts, reason, intendedAt, changedAt }
}
