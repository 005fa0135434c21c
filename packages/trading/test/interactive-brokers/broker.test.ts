/** Orders through TWS: the real SDK, guarded, in front of the stand-in, over real sockets. */
import { describe, expect, it } from 'vitest'
import { acceptedOrder, memoryJournal, type Order } from '../../src/index.ts'
import { rejection } from '../support.ts'
import { eventually, FAR, MARKET, startBroker, startTws } from './tws-bench.ts'

describe('an order', () => {
  it('is accepted as soon as TWS tells of it, and known by its reference', async () => {
    const { broker, control } = await startBroker()
    const outcome = await broker.submitOrder({ ...FAR, clientOrderId: 'intent-1' })
    expect(outcome).toMatchObject({
      status: 'accepted',
      clientOrderId: 'intent-1',
      order: {
        clientOrderId: 'intent-1',
        symbol: 'AAPL',
        side: 'buy',
        type: 'limit',
        quantity: '1',
        limitPrice: '1',
        isOpen: true,
      },
    })
    expect(control.ledger('ib')).toMatchObject([{ kind: 'submit', clientOrderId: 'intent-1', acked: true }])
    const order = acceptedOrder(outcome)
    expect(await broker.findOrder('intent-1')).toMatchObject({ id: order.id, isOpen: true })
    expect(await broker.getOrder(order.id)).toMatchObject({ clientOrderId: 'intent-1' })
    expect(await broker.findOrder('intent-2')).toBeUndefined()
  })

  it('to the market is filled, and the account and the positions show it', async () => {
    const { broker } = await startBroker()
    const order = acceptedOrder(await broker.submitOrder({ ...MARKET, quantity: '3' }))
    await eventually(async () => expect(await broker.getOrder(order.id)).toMatchObject({ status: 'Filled' }))
    const filled = await broker.getOrder(order.id)
    expect(filled).toMatchObject({ filledQuantity: '3', isOpen: false })
    const [position] = await broker.getPositions()
    expect(position).toMatchObject({
      symbol: 'AAPL',
      side: 'long',
      quantity: '3',
      averageEntryPrice: filled.averageFillPrice,
    })
    expect(Number(position?.marketValue)).toBeCloseTo(3 * Number(position?.currentPrice), 1)
    const account = await broker.getAccount()
    expect(account).toMatchObject({ id: 'DU1234567', currency: 'USD', status: null, tradingBlocked: null })
    expect(Number(account.cash)).toBeCloseTo(1_000_000 - 3 * Number(filled.averageFillPrice), 1)
  })

  it.each([
    [{ quantity: '0.5' }, 'quantity'],
    [{ quantity: '-1' }, 'quantity'],
    [{ timeInForce: 'cls' as const }, 'timeInForce'],
    [{ clientOrderId: 'x'.repeat(49) }, 'clientOrderId'],
    [{ symbol: 'A'.repeat(30) }, 'symbol'],
  ])('that Interactive Brokers would not take is refused before it is sent: %j', async (change, field) => {
    const { broker, control } = await startBroker()
    expect(await rejection(broker.submitOrder({ ...MARKET, ...change }))).toMatchObject({ field })
    expect(control.ledger('ib')).toEqual([])
  })

  it.each([
    [{ symbol: 'NOPE' }, '200'],
    [{ quantity: '900000' }, '201'],
    [{ type: 'limit' as const, limitPrice: '1.0001' }, '110'],
  ])('that TWS does not want is refused, and not sent again: %j', async (change, brokerCode) => {
    const { broker, control } = await startBroker()
    expect(await broker.submitOrder({ ...MARKET, ...change })).toMatchObject({
      status: 'refused',
      cause: { brokerCode },
    })
    expect(control.log(0, 'ib').filter(({ method }) => method === 'PLACE_ORDER')).toHaveLength(1)
  })
})

describe('an order that never left', () => {
  it('is known as that while there is no session, and nothing is sent later', async () => {
    const upstreams = await startTws()
    upstreams.control.setFaults('ib', { action: { type: 'restart', forMs: 3_600_000 } })
    const { broker, control, link } = await startBroker({ upstreams })
    const outcome = await broker.submitOrder(MARKET, { timeoutMs: 300 })
    expect(outcome).toMatchObject({ status: 'never-sent' })
    control.clearFaults('ib')
    await link.ready(AbortSignal.timeout(20_000))
    await broker.getOpenOrders()
    expect(control.ledger('ib')).toEqual([])
  })

  it('is known as that during 1100, too', async () => {
    const { broker, control, happened } = await startBroker()
    await broker.getOpenOrders()
    control.setFaults('ib', { action: { type: '1100', forMs: 3_600_000 } })
    await happened('connectivity-lost')
    expect(await broker.submitOrder(MARKET, { timeoutMs: 300 })).toMatchObject({ status: 'never-sent' })
    control.clearFaults('ib')
    expect(control.ledger('ib')).toEqual([])
  })
})

describe('an order in doubt', () => {
  it.each([
    ['dieOnSubmit', { type: 'dieOnSubmit' }],
    ['a reset', { type: 'reset', where: 'after' }],
    ['an acknowledgement that never comes', { type: 'dropAck' }],
    ['silence', { type: 'hang', where: 'after' }],
    ['1100, after which nothing is told', { type: '1100', forMs: 300, restoredAs: 1101 }],
    ['half of a frame', { type: 'partialFrame' }],
    ['half of a frame and the end', { type: 'partial', bytes: 20 }],
    ['a frame whose length is wrong', { type: 'malformed', mode: 'wrongLength' }],
    ['a frame whose length is negative', { type: 'malformed', mode: 'negative' }],
    ['a frame that is announced as huge', { type: 'malformed', mode: 'huge' }],
    ['a message of 16 MB', { type: 'malformed', mode: 'long' }],
  ])('by %s is found among what TWS has, and sent once', async (_name, action) => {
    const { broker, control } = await startBroker({
      service: { attemptTimeoutMs: 500 },
      link: { heartbeatMs: 200, heartbeatAnswerMs: 200 },
    })
    await broker.getOpenOrders()
    control.setFaults('ib', { match: { msgId: 3, times: 1 }, action })
    const outcome = await broker.submitOrder({ ...MARKET, clientOrderId: 'intent-1' })
    const settled = outcome.status === 'in-doubt' ? await broker.reconcile(outcome) : outcome
    expect(settled).toMatchObject({ status: 'accepted', order: { clientOrderId: 'intent-1' } })
    expect(control.duplicates('ib')).toEqual([])
    expect(control.ledger('ib').filter(({ kind }) => kind === 'submit')).toHaveLength(1)
    expect(broker.inDoubt()).toEqual([])
  })

  it.each([
    ['dieOnSubmit', { type: 'dieOnSubmit', where: 'before' }],
    ['a restart', { type: 'restart', forMs: 1 }],
    ['an order that TWS drops without a word', { type: 'dropAck', where: 'before' }],
  ])('by %s that TWS never had stays in doubt, is listed, and is not sent again', async (_name, action) => {
    const { broker, control } = await startBroker({ service: { attemptTimeoutMs: 500 } })
    await broker.getOpenOrders()
    control.setFaults('ib', { match: { msgId: 3, times: 1 }, action })
    const outcome = await broker.submitOrder({ ...MARKET, clientOrderId: 'intent-1' })
    expect(outcome).toMatchObject({ status: 'in-doubt', clientOrderId: 'intent-1' })
    expect(broker.inDoubt()).toMatchObject([{ clientOrderId: 'intent-1' }])
    expect(control.ledger('ib')).toEqual([])
    expect(control.log(0, 'ib').filter(({ method }) => method === 'PLACE_ORDER')).toHaveLength(1)
    // An operator who has looked ends it.
    expect(await broker.resolve('intent-1', { orderId: null, by: 'ops', note: 'not on the screen' })).toMatchObject({
      state: 'refused',
    })
    expect(broker.inDoubt()).toEqual([])
  })

  it('is settled by the stream as soon as that shows it, whatever the time', async () => {
    const { broker, control, news } = await startBroker({ service: { attemptTimeoutMs: 500 } })
    await broker.getOpenOrders()
    // The acknowledgement comes after the attempt's time.
    control.setFaults('ib', { match: { msgId: 3, times: 1 }, action: { type: 'latency', ms: 1_000, where: 'after' } })
    const outcome = await broker.submitOrder({ ...FAR, clientOrderId: 'intent-1' })
    expect(outcome).toMatchObject({ status: 'accepted' })
    expect(control.ledger('ib').filter(({ kind }) => kind === 'submit')).toHaveLength(1)
    expect(news.filter(({ type }) => type === 'lost')).toEqual([])
  })
})

describe('acknowledgements', () => {
  it.each([
    ['that come three times', { type: 'dupStatus' }],
    ['that come after the fill', { type: 'reorder' }],
    ['of which only the execution comes', { type: 'dropStatus' }],
    ['in pieces of one byte', { type: 'splitFrames', bytes: 1 }],
  ])('%s are one order', async (_name, action) => {
    const { broker, control } = await startBroker()
    control.setFaults('ib', { match: { msgId: 3 }, action })
    const order = acceptedOrder(await broker.submitOrder({ ...MARKET, clientOrderId: 'intent-1' }))
    expect(order).toMatchObject({ clientOrderId: 'intent-1', quantity: '1', type: 'market' })
    await eventually(async () =>
      expect(await broker.findOrder('intent-1')).toMatchObject({ status: 'Filled', filledQuantity: '1' }),
    )
    expect(control.duplicates('ib')).toEqual([])
  })
})

describe('numbers of orders', () => {
  it('never go back, though TWS gives old ones out again after a restart', async () => {
    const { broker, control, happened } = await startBroker()
    for (const id of ['one', 'two', 'three']) acceptedOrder(await broker.submitOrder({ ...FAR, clientOrderId: id }))
    control.setFaults('ib', [
      { action: { type: 'rollbackNextValidId', by: 3 } },
      { action: { type: 'restart', forMs: 1 } },
    ])
    expect(await happened('connected', 2)).toMatchObject({ nextOrderId: 1 })
    acceptedOrder(await broker.submitOrder({ ...FAR, clientOrderId: 'four' }))
    const numbers = control
      .log(0, 'ib')
      .flatMap(({ method, path }) => (method === 'PLACE_ORDER' ? [path.split('|')[1]] : []))
    expect(numbers).toEqual(['1', '2', '3', '4'])
  })

  it('go on in the next process, from the journal', async () => {
    const upstreams = await startTws()
    const journal = memoryJournal()
    const first = await startBroker({ upstreams, journal })
    acceptedOrder(await first.broker.submitOrder(FAR))
    await first.broker.close()
    first.link.close()
    upstreams.control.setFaults('ib', [
      { action: { type: 'rollbackNextValidId', by: 1 } },
      { action: { type: 'restart', forMs: 1 } },
    ])
    const second = await startBroker({ upstreams, journal })
    acceptedOrder(await second.broker.submitOrder(FAR))
    const log = upstreams.control.log(0, 'ib').filter(({ method }) => method === 'PLACE_ORDER')
    expect(log.map(({ path }) => path.split('|')[1])).toEqual(['1', '2'])
  })

  it('that somebody else has used turn an order away unread, and it is sent under another one', async () => {
    const upstreams = await startTws()
    const mine = await startBroker({ upstreams })
    await mine.broker.getOpenOrders()
    const other = await startBroker({ upstreams, link: { clientId: 2 } })
    acceptedOrder(await other.broker.submitOrder(FAR))
    // This one has been told that 1 is next.
    const outcome = await mine.broker.submitOrder({ ...FAR, clientOrderId: 'intent-1' })
    expect(outcome).toMatchObject({ status: 'accepted' })
    expect(upstreams.control.duplicates('ib')).toEqual([])
  })

  it('rise in the order in which orders are sent, however many come at once', async () => {
    const { broker, control } = await startBroker({ service: { bulkhead: { maxConcurrent: 40, maxQueue: 100 } } })
    const outcomes = await Promise.all(Array.from({ length: 40 }, () => broker.submitOrder(FAR)))
    expect(outcomes.map(({ status }) => status)).toEqual(outcomes.map(() => 'accepted'))
    expect(control.stats('ib').rateViolations).toBe(0)
  })
})

describe('a cancellation', () => {
  async function placed(): Promise<Awaited<ReturnType<typeof startBroker>> & { readonly order: Order }> {
    const bench = await startBroker()
    return { ...bench, order: acceptedOrder(await bench.broker.submitOrder({ ...FAR, clientOrderId: 'intent-1' })) }
  }

  it('is done when TWS says so', async () => {
    const { broker, order } = await placed()
    expect(await broker.cancelOrder(order.id)).toEqual({ status: 'requested', orderId: order.id })
    expect(await broker.getOrder(order.id)).toMatchObject({ status: 'Cancelled', isOpen: false })
    expect(await broker.cancelOrder(order.id)).toMatchObject({ status: 'closed', order: { status: 'Cancelled' } })
  })

  it('of a filled order tells that it is', async () => {
    const { broker } = await startBroker()
    const order = acceptedOrder(await broker.submitOrder(MARKET))
    await eventually(async () => expect(await broker.getOrder(order.id)).toMatchObject({ status: 'Filled' }))
    expect(await broker.cancelOrder(order.id)).toMatchObject({ status: 'closed', order: { status: 'Filled' } })
  })

  it.each([135, 161, 10147, 10148])('that TWS refuses with %d while the order is open is an error', async (reply) => {
    const { broker, control, order } = await placed()
    control.setFaults('ib', { action: { type: 'cancelReply', reply } })
    expect(await rejection(broker.cancelOrder(order.id))).toMatchObject({
      status: reply === 135 || reply === 10147 ? 404 : 422,
    })
  })

  it('of an order that nobody knows is an error, and nothing is sent', async () => {
    const { broker, control } = await startBroker()
    expect(await rejection(broker.cancelOrder('4711'))).toMatchObject({ status: 404 })
    expect(control.log(0, 'ib').map(({ method }) => method)).not.toContain('CANCEL_ORDER')
  })

  it('goes before a hundred other messages', async () => {
    const { broker, control, link, order } = await placed()
    const patience = new AbortController()
    const waiting = Array.from({ length: 100 }, () => link.enter(patience.signal).catch(() => undefined))
    const before = control.log(0, 'ib').length
    await broker.cancelOrder(order.id)
    expect(control.log(0, 'ib')[before]).toMatchObject({ method: 'CANCEL_ORDER' })
    patience.abort(new Error('enough'))
    await Promise.all(waiting)
  })

  it('of all orders reaches those of other clients', async () => {
    const { broker, upstreams, order } = await placed()
    const other = await startBroker({ upstreams, link: { clientId: 2 } })
    const others = acceptedOrder(await other.broker.submitOrder(FAR))
    await broker.cancelAll()
    for (const { id } of [order, others]) expect(await broker.getOrder(id)).toMatchObject({ isOpen: false })
    expect(await broker.getOpenOrders()).toEqual([])
  })

  it('of another client’s order is refused with what to do instead', async () => {
    const { upstreams, order } = await placed()
    const other = await startBroker({ upstreams, link: { clientId: 2 } })
    expect(await rejection(other.broker.cancelOrder(order.id))).toMatchObject({
      message: expect.stringMatching(/belongs to client id 1/),
    })
  })
})

describe('a change', () => {
  it('is made to the order in its place, under an id of its own', async () => {
    const { broker, control } = await startBroker()
    const order = acceptedOrder(await broker.submitOrder({ ...FAR, clientOrderId: 'intent-1' }))
    const change = { limitPrice: '2', quantity: '5', clientOrderId: 'change-1' }
    const outcome = await broker.replaceOrder(order.id, change)
    expect(outcome).toMatchObject({
      status: 'accepted',
      order: { id: order.id, clientOrderId: 'change-1', limitPrice: '2', quantity: '5', isOpen: true },
    })
    expect(control.ledger('ib').map(({ kind, qty }) => [kind, qty])).toEqual([
      ['submit', '1'],
      ['replace', '5'],
    ])
    expect(await broker.findOrder('change-1')).toMatchObject({ id: order.id, limitPrice: '2' })
  })

  it('whose acknowledgement is lost is found by what the order has become', async () => {
    const { broker, control } = await startBroker()
    const order = acceptedOrder(await broker.submitOrder(FAR))
    control.setFaults('ib', { match: { msgId: 3, times: 1 }, action: { type: 'dieOnSubmit' } })
    const outcome = await broker.replaceOrder(order.id, { limitPrice: '3', clientOrderId: 'change-1' })
    const settled = outcome.status === 'in-doubt' ? await broker.reconcile(outcome) : outcome
    expect(settled).toMatchObject({ status: 'accepted', order: { id: order.id, limitPrice: '3' } })
  })

  it.each([
    ['is found by the next one, by what the order has become', 'after', 0],
    ['that TWS never had is listed by the next one', 'before', 1],
  ])('in doubt when its process ends %s', async (_what, where, inDoubt) => {
    const upstreams = await startTws()
    const journal = memoryJournal()
    const first = await startBroker({ upstreams, journal, orders: { submitTimeoutMs: 300 } })
    const order = acceptedOrder(await first.broker.submitOrder(FAR, { timeoutMs: 10_000 }))
    upstreams.control.setFaults('ib', { match: { msgId: 3, times: 1 }, action: { type: 'hang', where } })
    const change = { limitPrice: '3', clientOrderId: 'change-1' }
    expect(await first.broker.replaceOrder(order.id, change)).toMatchObject({ status: 'in-doubt' })
    first.link.close()
    await first.broker.close()
    const second = await startBroker({ upstreams, journal })
    await second.broker.open()
    await eventually(() => expect(second.news.at(-1)).toMatchObject({ type: 'recovered', unsettled: 1, inDoubt }))
    expect(second.broker.inDoubt().map(({ clientOrderId }) => clientOrderId)).toEqual(inDoubt === 0 ? [] : ['change-1'])
  })

  it('of an order that is done is refused', async () => {
    const { broker } = await startBroker()
    const order = acceptedOrder(await broker.submitOrder(FAR))
    await broker.cancelOrder(order.id)
    expect(await broker.replaceOrder(order.id, { limitPrice: '2' })).toMatchObject({ status: 'refused' })
  })
})
