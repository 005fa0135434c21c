/** What the kill switch stops, and for how long. */
import { describe, expect, it } from 'vitest'
import { KillSwitchError } from '../../src/index.ts'
import { after, order, startDesk } from './desk.ts'
import { NOT_CONNECTED, RESET_BEFORE } from './simulated-broker.ts'

describe('the kill switch', () => {
  it('stops new orders at once, those that wait included, and nothing else', async () => {
    const { clock, exchange, adapter, broker } = startDesk({
      fates: [NOT_CONNECTED],
      service: { bulkhead: { maxConcurrent: 1, maxQueue: 10 } },
    })
    const onWire = broker.submitOrder({ ...order, clientOrderId: 'on-the-wire' })
    exchange.fates.unshift({ executesAfterMs: 5, answer: 'order', answersAfterMs: 500 })
    await clock.advance(1)
    const queued = broker.submitOrder({ ...order, clientOrderId: 'queued' })
    await clock.advance(1)
    await broker.engageKillSwitch({ by: 'ann', reason: 'runaway desk' })
    expect(await queued).toMatchObject({ status: 'never-sent', cause: expect.any(KillSwitchError) })
    expect(await broker.submitOrder(order)).toMatchObject({
      status: 'never-sent',
      reason: expect.stringContaining('ann: runaway desk'),
    })
    expect(await after(clock, onWire)).toMatchObject({ status: 'accepted' })
    expect(adapter.sent).toEqual(['on-the-wire'])
    await broker.cancelOrder('on-the-wire:0')
    await broker.cancelAll()
    expect(await broker.getOpenOrders()).toHaveLength(1)
  })

  it('stops retries and second copies', async () => {
    const { clock, adapter, broker } = startDesk({ fates: [NOT_CONNECTED, RESET_BEFORE] })
    const retried = broker.submitOrder({ ...order, clientOrderId: 'retried' })
    const copied = broker.submitOrder({ ...order, clientOrderId: 'copied' })
    await clock.advance(50)
    await broker.engageKillSwitch({ by: 'ann', reason: 'drill' })
    expect(await after(clock, retried)).toMatchObject({ status: 'never-sent' })
    expect(await copied).toMatchObject({ status: 'in-doubt' })
    expect(adapter.sent).toEqual(['retried', 'copied'])
  })

  it('holds in the next process, until it is released', async () => {
    const first = startDesk()
    await first.broker.engageKillSwitch({ by: 'ann', reason: 'drill' })
    await first.broker.close()
    const next = startDesk({ journal: first.journal, exchange: first.exchange })
    await next.broker.open()
    expect(next.broker.killSwitch).toMatchObject({ engaged: true, by: 'ann', reason: 'drill' })
    expect(await next.broker.submitOrder(order)).toMatchObject({ status: 'never-sent' })
    await next.broker.releaseKillSwitch({ by: 'bob', reason: 'the drill is over' })
    expect(await after(next.clock, next.broker.submitOrder(order))).toMatchObject({ status: 'accepted' })
  })

  it('obeys who engages it while somebody is still releasing it', async () => {
    const { journal, exchange, broker } = startDesk()
    const released = broker.releaseKillSwitch({ by: 'bob', reason: 'the drill is over' })
    const engaged = broker.engageKillSwitch({ by: 'ann', reason: 'it is not' })
    expect(broker.killSwitch).toMatchObject({ engaged: true, by: 'ann' })
    await Promise.all([released, engaged])
    expect(broker.killSwitch).toMatchObject({ engaged: true, by: 'ann' })
    await broker.close()
    const next = startDesk({ journal, exchange })
    await next.broker.open()
    expect(next.broker.killSwitch).toMatchObject({ engaged: true, by: 'ann' })
  })

  it('is released by the first thing that the next process does', async () => {
    const first = startDesk()
    await first.broker.engageKillSwitch({ by: 'ann', reason: 'drill' })
    await first.broker.close()
    const next = startDesk({ journal: first.journal, exchange: first.exchange })
    await next.broker.releaseKillSwitch({ by: 'bob', reason: 'the drill is over' })
    expect(next.broker.killSwitch).toMatchObject({ engaged: false, by: 'bob' })
    expect(await after(next.clock, next.broker.submitOrder(order))).toMatchObject({ status: 'accepted' })
  })
})
