/** The rules of the desk, in virtual time: deadlines, doubt, the kill switch, recovery, the journal that fails. */
import { VirtualClock } from '@holdfast/testing'
import { createResilience, type ServiceOptions } from 'holdfast'
import { describe, expect, it } from 'vitest'
import {
  type AccountJournal,
  AccountTakenError,
  Broker,
  type BrokerEvent,
  JournalError,
  KillSwitchError,
  memoryJournal,
  NotReadyError,
  type OrderJournal,
  type OrderKeeping,
  type OrderOutcome,
  type ResendableOrder,
} from '../../src/index.ts'
import { rejection } from '../support.ts'
import {
  type Fate,
  HANGS_AFTER,
  LOST,
  NOT_CONNECTED,
  REFUSES,
  RESET_BEFORE,
  SimulatedAdapter,
  SimulatedExchange,
  SLOW,
} from './simulated-broker.ts'

const order = { symbol: 'AAPL', side: 'buy', quantity: '1', type: 'market' } as const

/** A desk in front of an exchange, in virtual time. */
function startDesk(
  options: {
    fates?: readonly Fate[]
    refusesDuplicateIds?: boolean
    streams?: boolean
    journal?: OrderJournal
    service?: ServiceOptions
    orders?: Partial<OrderKeeping>
    exchange?: SimulatedExchange
  } = {},
) {
  const { fates = [], refusesDuplicateIds = true, streams = false, journal = memoryJournal(), orders } = options
  const clock = options.exchange === undefined ? new VirtualClock() : clockOf(options.exchange)
  const exchange = options.exchange ?? new SimulatedExchange(clock, { refusesDuplicateIds })
  exchange.fates.push(...fates)
  const resilience = createResilience({
    clock,
    random: () => 0.5,
    services: {
      broker: {
        profile: 'BROKER',
        circuitBreaker: false,
        rateLimiter: false,
        bulkhead: { maxConcurrent: 50 },
        ...options.service,
      },
    },
  })
  const adapter = new SimulatedAdapter(exchange, { streams })
  const broker = new Broker(adapter, { service: resilience.service('broker'), journal, clock, ...orders })
  const events: BrokerEvent[] = []
  broker.events.subscribe((event) => events.push(event))
  return { clock, exchange, adapter, broker, events, journal, resilience }
}

function clockOf({ clock }: SimulatedExchange): VirtualClock {
  if (clock instanceof VirtualClock) return clock
  throw new Error('an exchange of these tests has a virtual clock')
}

/** What a promise comes to when enough time passes. */
async function after<T>(clock: VirtualClock, promise: Promise<T>, ms = 60_000): Promise<T> {
  await clock.advance(ms)
  return await promise
}

const states = (events: readonly BrokerEvent[]): string[] => events.map(({ type }) => type)

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
})

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
})

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

describe('a journal that fails', () => {
  /** A journal that is written until somebody says so, and not any more. */
  function failing(): { journal: OrderJournal; fail: () => void } {
    const inner = memoryJournal()
    let isBroken = false
    let lost: ((reason: Error) => void) | undefined
    const journal: OrderJournal = {
      claim: async (account) => {
        const claimed = await inner.claim(account)
        return {
          account,
          unsettled: () => claimed.unsettled(),
          find: (id) => claimed.find(id),
          note: (event) => (isBroken ? Promise.reject(new JournalError('the disk is full')) : claimed.note(event)),
          takeNumber: (atLeast) => claimed.takeNumber(atLeast),
          killSwitch: () => claimed.killSwitch(),
          setKillSwitch: (state) => claimed.setKillSwitch(state),
          onLost: (listener) => {
            lost = listener
          },
          release: () => claimed.release(),
        }
      },
      close: () => inner.close(),
    }
    return {
      journal,
      fail: () => {
        isBroken = true
        lost?.(new JournalError('the disk is full'))
      },
    }
  }

  it('stops new orders before anything of them leaves, and no cancel', async () => {
    const { journal, fail } = failing()
    const { broker, adapter, events, resilience } = startDesk({ journal })
    await broker.open()
    fail()
    expect(await broker.submitOrder(order)).toMatchObject({ status: 'never-sent', reason: 'the disk is full' })
    expect(adapter.sent).toEqual([])
    await broker.cancelOrder('some-order')
    expect(states(events)).toEqual(['recovered', 'lost'])
    expect(resilience.snapshot().services.broker?.calls.failed).toBe(0)
  })

  it('that takes longer than the attempt may does not let the order out afterwards', async () => {
    const clock = new VirtualClock()
    const exchange = new SimulatedExchange(clock, { refusesDuplicateIds: false })
    const inner = memoryJournal()
    const slow: OrderJournal = {
      claim: async (account) => {
        const claimed = await inner.claim(account)
        const note: AccountJournal['note'] = (event) =>
          new Promise((resolve, reject) => {
            clock.setTimer(() => void claimed.note(event).then(resolve, reject), event.type === 'sending' ? 6_000 : 0)
          })
        return { ...methodsOf(claimed), note }
      },
      close: () => inner.close(),
    }
    const { broker, adapter } = startDesk({ journal: slow, exchange })
    expect(await after(clock, broker.submitOrder(order))).toMatchObject({ status: 'never-sent' })
    expect(adapter.sent).toEqual([])
  })

  it('that belongs to another process: the order is never sent, and is taken once the account is free', async () => {
    const journal = memoryJournal()
    const other = await journal.claim('simulated')
    const { broker, clock } = startDesk({ journal })
    expect(await broker.submitOrder(order)).toMatchObject({
      status: 'never-sent',
      cause: expect.any(AccountTakenError),
    })
    expect(await rejection(broker.open())).toBeInstanceOf(AccountTakenError)
    await other.release()
    expect(await after(clock, broker.submitOrder(order))).toMatchObject({ status: 'accepted' })
  })
})

function methodsOf(claimed: AccountJournal): AccountJournal {
  return {
    account: claimed.account,
    unsettled: () => claimed.unsettled(),
    find: (id) => claimed.find(id),
    note: (event) => claimed.note(event),
    takeNumber: (atLeast) => claimed.takeNumber(atLeast),
    killSwitch: () => claimed.killSwitch(),
    setKillSwitch: (state) => claimed.setKillSwitch(state),
    onLost: (listener) => claimed.onLost(listener),
    release: () => claimed.release(),
  }
}

describe('a broker', () => {
  it('that is closed sends nothing more, and waits for what is on the wire', async () => {
    const { broker, clock, exchange, adapter } = startDesk()
    const onWire = broker.submitOrder(order)
    await clock.advance(1)
    const closed = broker.close()
    expect(await broker.submitOrder(order)).toMatchObject({ status: 'never-sent', cause: expect.any(NotReadyError) })
    await clock.advance(100)
    expect(await onWire).toMatchObject({ status: 'accepted' })
    await closed
    expect(adapter.sent).toHaveLength(1)
    expect(exchange.executions((await onWire).clientOrderId)).toBe(1)
  })

  it.each([
    ['submitTimeoutMs', { submitTimeoutMs: 0 }],
    ['reconciliation.looks', { reconciliation: { looks: 1 } }],
    ['reconciliation.settleMs', { reconciliation: { settleMs: Number.NaN } }],
    ['account', { account: 'a b' }],
  ])('refuses a %s that makes no sense', (field, orders) => {
    expect(() => startDesk({ orders })).toThrow(field)
  })
})
