/** An operator's word on an order in doubt. */
import { describe, expect, it } from 'vitest'
import { rejection } from '../support.ts'
import { after, order, startDesk, states } from './desk.ts'
import { LOST } from './simulated-broker.ts'

describe('an operator', () => {
  it('ends doubt by his word, either way', async () => {
    const { clock, exchange, broker, events } = startDesk({
      fates: [LOST, LOST],
      refusesDuplicateIds: false,
    })
    exchange.visibilityLagMs = 1e9
    const asked = Promise.all(['one', 'two'].map((clientOrderId) => broker.submitOrder({ ...order, clientOrderId })))
    await after(clock, asked)
    const mistaken = broker.resolve('one', { orderId: 'two:0', by: 'ann', note: 'seen in the blotter' })
    expect(String(await rejection(mistaken))).toContain('under the client order id two: it is another one')
    await broker.resolve('one', { orderId: 'one:0', by: 'ann', note: 'seen in the blotter' })
    await broker.resolve('two', { orderId: null, by: 'ann', note: 'the desk says that it never came' })
    expect(broker.inDoubt()).toEqual([])
    expect(await broker.submitOrder({ ...order, clientOrderId: 'one' })).toMatchObject({ status: 'accepted' })
    expect(await broker.submitOrder({ ...order, clientOrderId: 'two' })).toMatchObject({
      status: 'refused',
      reason: 'resolved by ann: the desk says that it never came',
    })
    expect(states(events).filter((type) => type === 'resolved')).toHaveLength(2)
    expect(String(await rejection(broker.resolve('two', { orderId: null, by: 'ann', note: 'again' })))).toContain('two')
  })

  it('whose word comes while somebody waits is the answer', async () => {
    const { clock, exchange, broker } = startDesk({ fates: [LOST], refusesDuplicateIds: false })
    exchange.visibilityLagMs = 1e9
    const asked = broker.submitOrder({ ...order, clientOrderId: 'one' })
    await clock.advance(1_000)
    await broker.resolve('one', { orderId: null, by: 'ann', note: 'it never came' })
    expect(await asked).toMatchObject({ status: 'refused' })
  })
})
