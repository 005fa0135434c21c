/** What a process makes of the orders of one that crashed. */
import { describe, expect, it } from 'vitest'
import { type AccountJournal, memoryJournal, NotReadyError, type OrderJournal } from '../../src/index.ts'
import { after, order, startDesk } from './desk.ts'
import { type Fate, HANGS_AFTER, LOST, RESET_BEFORE } from './simulated-broker.ts'

describe('after a crash', () => {
  /** Runs until then, and dies: nothing of it acts any more, what it has sent goes on. */
  async function crashed(fates: readonly Fate[], ms: number, ids = ['one']) {
    const { journal, crash } = journalThatCrashes()
    const desk = startDesk({ fates, journal, service: { bulkhead: { maxConcurrent: 1 } } })
    for (const clientOrderId of ids) void desk.broker.submitOrder({ ...order, clientOrderId })
    await desk.clock.advance(ms)
    desk.adapter.isDead = true
    crash()
    return { ...desk, journal }
  }

  it('what was being sent is looked up before new orders are taken', async () => {
    const { exchange, journal, clock } = await crashed([HANGS_AFTER], 3)
    const next = startDesk({ journal, exchange })
    exchange.visibilityLagMs = 1_000
    const fresh = next.broker.submitOrder({ ...order, clientOrderId: 'two' })
    await clock.advance(1_000)
    expect(next.broker.inDoubt()).toMatchObject([{ clientOrderId: 'one', reason: expect.stringContaining('ended') }])
    expect(next.adapter.sent).toEqual([])
    await clock.advance(1_000)
    expect(await fresh).toMatchObject({ status: 'accepted' })
    expect(next.events).toMatchObject([
      { type: 'in-doubt' },
      { type: 'reconciled', outcome: { clientOrderId: 'one' } },
      { type: 'recovered', unsettled: 1, inDoubt: 0 },
    ])
    expect(await next.broker.submitOrder({ ...order, clientOrderId: 'one' })).toMatchObject({ status: 'accepted' })
    expect(exchange.executions('one')).toBe(1)
  })

  it('what was never found stays in doubt, is listed, and is sent again only when somebody asks for it', async () => {
    const { exchange, journal, clock } = await crashed([{ ...RESET_BEFORE, answer: 'nothing' }], 3)
    const next = startDesk({ journal, exchange })
    await next.broker.open()
    await clock.advance(6_000)
    expect(next.broker.inDoubt()).toMatchObject([{ clientOrderId: 'one' }])
    expect(next.adapter.sent).toEqual([])
    const asked = next.broker.submitOrder({ ...order, clientOrderId: 'one' })
    expect(await after(clock, asked)).toMatchObject({ status: 'accepted' })
    expect(exchange.executions('one')).toBe(1)
  })

  it('what had only been intended was never sent', async () => {
    const { exchange, journal, clock, adapter } = await crashed([HANGS_AFTER], 100, ['one', 'two'])
    expect(adapter.sent).toEqual(['one'])
    const next = startDesk({ journal, exchange })
    await next.broker.open()
    await clock.advance(1_000)
    expect(next.events.at(-1)).toMatchObject({ type: 'recovered', unsettled: 2, inDoubt: 0 })
    expect(next.adapter.sent).toEqual([])
    expect(await after(clock, next.broker.submitOrder({ ...order, clientOrderId: 'two' }))).toMatchObject({
      status: 'accepted',
      evidence: 'answer',
    })
  })

  it('an order in doubt is still not wanted when all were cancelled before: it is not sent again, and cancelled when it is found', async () => {
    const { journal, crash } = journalThatCrashes()
    const first = startDesk({ fates: [LOST, RESET_BEFORE], journal })
    first.exchange.visibilityLagMs = 1e9
    for (const clientOrderId of ['one', 'two']) void first.broker.submitOrder({ ...order, clientOrderId })
    await first.clock.advance(1_000)
    await first.broker.cancelAll()
    first.adapter.isDead = true
    crash()
    const next = startDesk({ journal, exchange: first.exchange })
    first.exchange.visibilityLagMs = 0
    const cancelled: string[] = []
    next.adapter.cancelOrder = async (orderId) => void cancelled.push(orderId)
    await next.broker.open()
    await next.clock.advance(10_000)
    expect(cancelled).toEqual(['one:0'])
    const again = next.broker.submitOrder({ ...order, clientOrderId: 'two' })
    expect(await after(next.clock, again)).toMatchObject({ status: 'in-doubt' })
    expect(next.adapter.sent).toEqual([])
  })

  it('what an operator has said that the broker never had is known, and the broker may contradict it', async () => {
    const { journal, crash } = journalThatCrashes()
    const fate: Fate = { executesAfterMs: 20_000, answer: 'nothing', answersAfterMs: 0 }
    const first = startDesk({ fates: [fate], refusesDuplicateIds: false, journal })
    const wanted = { ...order, clientOrderId: 'one' }
    await after(first.clock, first.broker.submitOrder(wanted, { timeoutMs: 1_000 }), 10_000)
    await first.broker.resolve('one', { orderId: null, by: 'ann', note: 'it never came' })
    first.adapter.isDead = true
    crash()
    const next = startDesk({ journal, exchange: first.exchange, streams: true })
    await next.broker.open()
    await next.clock.advance(20_000)
    expect(next.events).toMatchObject([
      { type: 'recovered', unsettled: 0, inDoubt: 0 },
      { type: 'reconciled', outcome: { order: { id: 'one:0' }, evidence: 'stream' } },
    ])
    expect(await next.broker.submitOrder(wanted)).toMatchObject({ status: 'accepted', order: { id: 'one:0' } })
  })

  it('an order that cannot wait for that is never sent', async () => {
    const { exchange, journal, clock } = await crashed([HANGS_AFTER], 3)
    exchange.answersLookups = false
    const next = startDesk({ journal, exchange })
    const outcome = await after(clock, next.broker.submitOrder(order, { timeoutMs: 1_000 }), 2_000)
    expect(outcome).toMatchObject({ status: 'never-sent', cause: expect.any(NotReadyError) })
  })
})

/** A journal whose owner can be taken from it without a word, as by a kill. */
function journalThatCrashes(): { journal: OrderJournal; crash: () => void } {
  const inner = memoryJournal()
  const claims: AccountJournal[] = []
  const journal: OrderJournal = {
    claim: async (account) => {
      const claimed = await inner.claim(account)
      claims.push(claimed)
      return claimed
    },
    close: () => inner.close(),
  }
  return { journal, crash: () => void Promise.all(claims.splice(0).map((claimed) => claimed.release())) }
}
