/** An operator's word on an order in doubt. */
import { describe, expect, it } from 'vitest'
import { rejection } from '../support.ts'
import { after, order, startDesk, states } from './desk.ts'
import { type Fate, HANGS_AFTER, LOST, NOT_CONNECTED, RESET_BEFORE, type SimulatedAdapter } from './simulated-broker.ts'

const SLOW_ANSWER: Fate = { executesAfterMs: 900, answer: 'order', answersAfterMs: 1_000 }

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

  it('who says that it never came is contradicted by a stream that shows it', async () => {
    const { clock, broker, events } = startDesk({
      fates: [{ executesAfterMs: 20_000, answer: 'nothing', answersAfterMs: 0 }],
      refusesDuplicateIds: false,
      streams: true,
    })
    const wanted = { ...order, clientOrderId: 'one' }
    expect(await after(clock, broker.submitOrder(wanted, { timeoutMs: 1_000 }), 10_000)).toMatchObject({
      status: 'in-doubt',
    })
    await broker.resolve('one', { orderId: null, by: 'ann', note: 'it never came' })
    await clock.advance(20_000)
    expect(events.at(-1)).toMatchObject({ type: 'reconciled', outcome: { order: { id: 'one:0' }, evidence: 'stream' } })
    expect(await broker.submitOrder(wanted)).toMatchObject({ status: 'accepted', order: { id: 'one:0' } })
  })

  it('cannot speak of an order of which a copy is on its way: what he has seen is from before', async () => {
    const { clock, adapter, broker, events } = startDesk({ fates: [RESET_BEFORE, SLOW_ANSWER] })
    const asked = broker.submitOrder({ ...order, clientOrderId: 'one' })
    await clock.advance(5_100)
    expect(adapter.sent).toEqual(['one', 'one'])
    const word = broker.resolve('one', { orderId: null, by: 'ann', note: 'it never came' })
    expect(await rejection(word)).toMatchObject({ field: 'clientOrderId', rule: expect.stringContaining('sent again') })
    expect(broker.inDoubt()).toHaveLength(1)
    expect(await after(clock, asked)).toMatchObject({ status: 'accepted' })
    expect(broker.inDoubt()).toEqual([])
    expect(states(events)).not.toContain('resolved')
  })
})

describe('a cancellation of all orders', () => {
  const cancelledBy = (adapter: SimulatedAdapter): string[] => {
    const cancelled: string[] = []
    adapter.cancelOrder = async (orderId) => void cancelled.push(orderId)
    return cancelled
  }

  it('lets no second copy of an order in doubt out', async () => {
    const { clock, adapter, broker } = startDesk({ fates: [RESET_BEFORE] })
    const asked = broker.submitOrder({ ...order, clientOrderId: 'one' })
    await clock.advance(1_000)
    await broker.cancelAll()
    expect(await after(clock, asked)).toMatchObject({ status: 'in-doubt' })
    expect(adapter.sent).toEqual(['one'])
  })

  it('holds also while the second copy waits for its retry', async () => {
    const { clock, adapter, broker } = startDesk({ fates: [RESET_BEFORE, NOT_CONNECTED] })
    const asked = broker.submitOrder({ ...order, clientOrderId: 'one' })
    await clock.advance(5_030)
    expect(adapter.sent).toEqual(['one', 'one'])
    await broker.cancelAll()
    expect(await after(clock, asked)).toMatchObject({ status: 'in-doubt' })
    expect(adapter.sent).toEqual(['one', 'one'])
  })

  it('reaches an order that is on its way and comes into doubt only then', async () => {
    const { clock, adapter, broker } = startDesk({ fates: [HANGS_AFTER] })
    const cancelled = cancelledBy(adapter)
    const asked = broker.submitOrder({ ...order, clientOrderId: 'one' }, { timeoutMs: 2_000 })
    await clock.advance(1)
    await broker.cancelAll()
    expect(await after(clock, asked)).toMatchObject({ status: 'in-doubt' })
    expect(cancelled).toEqual(['one:0'])
  })

  it('leaves alone what is placed later', async () => {
    const { clock, adapter, broker } = startDesk({ fates: [LOST] })
    const cancelled = cancelledBy(adapter)
    await broker.cancelAll()
    expect(await after(clock, broker.submitOrder(order))).toMatchObject({ status: 'accepted', evidence: 'lookup' })
    expect(cancelled).toEqual([])
  })
})
