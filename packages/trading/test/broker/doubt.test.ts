/** How doubt about an order ends, and what it never leads to. */
import { describe, expect, it } from 'vitest'
import type { OrderOutcome, ResendableOrder } from '../../src/index.ts'
import { after, order, startDesk, states } from './desk.ts'
import { HANGS_AFTER, LOST, NOT_CONNECTED, REFUSES, RESET_BEFORE, SLOW } from './simulated-broker.ts'

describe('doubt', () => {
  it('is ended by looking: at once, and if need be three times over the settle time', async () => {
    const { clock, exchange, adapter, broker } = startDesk({ fates: [LOST] })
    exchange.visibilityLagMs = 4_000
    const asked = broker.submitOrder(order)
    await clock.advance(4_500)
    expect(broker.inDoubt()).toHaveLength(1)
    await clock.advance(1_000)
    expect(await asked).toMatchObject({ status: 'accepted', evidence: 'lookup' })
    expect(adapter.sent).toHaveLength(1)
  })

  it('that looking does not end leads to a second copy under the same id where the broker refuses such', async () => {
    const { clock, exchange, adapter, broker } = startDesk({ fates: [LOST] })
    exchange.visibilityLagMs = 7_000
    const outcome = await after(clock, broker.submitOrder(order, { timeoutMs: 30_000 }))
    expect(outcome).toMatchObject({ status: 'accepted', evidence: 'duplicate-id' })
    expect(adapter.sent).toHaveLength(2)
    expect(exchange.executions(outcome.clientOrderId)).toBe(1)
  })

  it('that looking does not end stays doubt where the broker would execute a second one', async () => {
    const { clock, exchange, adapter, broker, events } = startDesk({ fates: [LOST], refusesDuplicateIds: false })
    exchange.visibilityLagMs = 100_000
    const outcome = await after(clock, broker.submitOrder(order))
    expect(outcome).toMatchObject({ status: 'in-doubt' })
    expect(adapter.sent).toHaveLength(1)
    expect(states(events)).toEqual(['recovered', 'in-doubt', 'not-found'])
    // It goes on being looked up, ever rarer.
    await clock.advance(200_000)
    expect(states(events)).toEqual(['recovered', 'in-doubt', 'not-found', 'reconciled'])
    expect(broker.inDoubt()).toEqual([])
  })

  it('that somebody asks about while the last look is under way is looked into once more', async () => {
    const { clock, exchange, broker } = startDesk({ fates: [LOST], orders: { reconciliation: { settleMs: 1_000 } } })
    // The last look, from 1,010 to 1,015, does not see it yet.
    exchange.visibilityLagMs = 1_015
    const outcome = await after(clock, broker.submitOrder(order, { timeoutMs: 500 }), 1_012)
    if (outcome.status !== 'in-doubt') throw new Error('it was to be in doubt')
    expect(await after(clock, broker.reconcile(outcome))).toMatchObject({ status: 'accepted', evidence: 'lookup' })
  })

  it('is not ended by a broker that cannot be asked: no answer is no look', async () => {
    const { clock, exchange, adapter, broker } = startDesk({ fates: [LOST] })
    exchange.answersLookups = false
    const outcome = await after(clock, broker.submitOrder(order), 20_000)
    expect(outcome.status).toBe('in-doubt')
    exchange.answersLookups = true
    await clock.advance(60_000)
    expect(broker.inDoubt()).toEqual([])
    expect(adapter.sent).toHaveLength(1)
  })

  it('is looked into through an open circuit, which the answer closes', async () => {
    const circuitBreaker = { failureThreshold: 1, recoveryTimeoutMs: 15_000 }
    const { clock, broker, resilience } = startDesk({ fates: [LOST], service: { circuitBreaker } })
    const asked = broker.submitOrder(order)
    await clock.advance(15)
    expect(resilience.service('broker').circuitBreaker?.state).toBe('OPEN')
    await clock.advance(1_000)
    expect(await asked).toMatchObject({ status: 'accepted', evidence: 'lookup' })
    expect(resilience.service('broker').circuitBreaker?.state).toBe('CLOSED')
  })

  it('lets one look at a time through an open circuit: those that hang leave slots to cancellations', async () => {
    const service = { circuitBreaker: { failureThreshold: 1 }, attemptTimeoutMs: 1_000, timeoutMs: 60_000 }
    const { clock, exchange, broker, resilience } = startDesk({ fates: [LOST, LOST, LOST], service })
    exchange.lookupMs = 10_000
    const asked = Array.from({ length: 3 }, () => broker.submitOrder(order, { timeoutMs: 20_000 }))
    await clock.advance(15)
    const { bulkhead } = resilience.service('broker')
    let most = 0
    for (let tick = 0; tick < 500; tick++) {
      await clock.advance(20)
      most = Math.max(most, bulkhead?.active ?? 0)
    }
    expect(most).toBe(1)
    await after(clock, Promise.all(asked))
  })

  it('is ended at once by a stream, which also ends what was still to come', async () => {
    const { clock, exchange, adapter, broker } = startDesk({ fates: [HANGS_AFTER], streams: true })
    const asked = broker.submitOrder(order)
    await clock.advance(6)
    expect(await asked).toMatchObject({ status: 'accepted', evidence: 'stream' })
    await clock.advance(60_000)
    expect(adapter.sent).toHaveLength(1)
    expect(exchange.executions((await asked).clientOrderId)).toBe(1)
  })

  it('is ended by an answer that comes after its time', async () => {
    const { clock, exchange, broker } = startDesk({ fates: [SLOW] })
    exchange.answersLookups = false
    const asked = broker.submitOrder(order, { timeoutMs: 7_000 })
    await clock.advance(8_000)
    expect(await asked).toMatchObject({ status: 'in-doubt' })
    exchange.answersLookups = true
    await clock.advance(30_000)
    expect(broker.inDoubt()).toEqual([])
  })

  it('does not send anything for a caller who has gone', async () => {
    const { clock, adapter, broker } = startDesk({ fates: [RESET_BEFORE] })
    const asked = broker.submitOrder(order, { timeoutMs: 2_000 })
    await clock.advance(2_100)
    expect(await asked).toMatchObject({ status: 'in-doubt' })
    await clock.advance(600_000)
    expect(adapter.sent).toHaveLength(1)
    expect(broker.inDoubt()).toHaveLength(1)
  })

  it('of a second copy that is refused stays: the first may be what is in its way', async () => {
    const { clock, exchange, broker } = startDesk({ fates: [LOST, REFUSES] })
    exchange.visibilityLagMs = 100_000
    const outcome = await after(clock, broker.submitOrder(order))
    expect(outcome.status).toBe('in-doubt')
    expect(exchange.executions(outcome.clientOrderId)).toBe(1)
  })

  it('of a second copy that never left stays: the first may have arrived', async () => {
    const fates = [LOST, NOT_CONNECTED, NOT_CONNECTED, NOT_CONNECTED]
    const { clock, exchange, adapter, broker } = startDesk({ fates })
    exchange.visibilityLagMs = 100_000
    const outcome = await after(clock, broker.submitOrder(order, { timeoutMs: 8_000 }))
    expect(outcome).toMatchObject({ status: 'in-doubt' })
    expect(adapter.sent.length).toBeGreaterThan(1)
    expect(exchange.executions(outcome.clientOrderId)).toBe(1)
  })

  it('is not resolved by an outcome of another kind: the compiler sees to it', () => {
    type TakesDoubt = OrderOutcome extends ResendableOrder ? true : false
    const takesDoubt: TakesDoubt = false
    expect(takesDoubt).toBe(false)
  })

  it('leaves no timer that keeps the process alive', async () => {
    const { clock, exchange, broker } = startDesk({ fates: [LOST] })
    exchange.visibilityLagMs = 1e9
    await after(clock, broker.submitOrder(order))
    expect(broker.inDoubt()).toHaveLength(1)
    expect(clock.pendingTimersThatKeepAlive).toBe(0)
  })

  it('keeps an order from being repeated, whatever the service is told to retry', async () => {
    const { clock, adapter, broker, exchange } = startDesk({ service: { retry: { retryOn: [() => true] } } })
    const place = adapter.placeOrder.bind(adapter)
    let calls = 0
    // An SDK that gives up by itself, after the order has left, and then does not get through any more.
    adapter.placeOrder = async (wanted, attempt) => {
      calls++
      if (calls > 1)
        throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' })
      await place(wanted, attempt)
      throw new DOMException('the SDK has given up', 'AbortError')
    }
    const outcome = await after(clock, broker.submitOrder(order))
    expect(outcome).toMatchObject({ status: 'accepted', evidence: 'lookup' })
    expect(exchange.executions(outcome.clientOrderId)).toBe(1)
    expect(calls).toBe(1)
  })
})
