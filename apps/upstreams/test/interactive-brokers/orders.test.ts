import { OrderAction, OrderType } from '@stoqey/ib'
import { describe, expect, it } from 'vitest'
import { at, eventually, startStandIns } from '../support.ts'
import { orderFields, startRawTws } from './raw-tws.ts'
import { AAPL, EventName, errorFacts, LIMIT_ORDER, MARKET_ORDER, startTwsClient, type TwsClient } from './tws-client.ts'

/** The states that were told of an order, one after the other. */
function statesOf({ events }: TwsClient, orderId: number): readonly unknown[] {
  return events(EventName.orderStatus)
    .filter(([id]) => id === orderId)
    .map(([, state]) => state)
}

/** Waits until an order has been told to be in a state. */
async function reached(client: TwsClient, orderId: number, state: string): Promise<void> {
  await eventually(() => expect(statesOf(client, orderId)).toContain(state))
}

describe('a market order', () => {
  it('is acknowledged, executed, filled, and its commission told, in this order', async () => {
    const { ports, control } = await startStandIns()
    const client = await startTwsClient(ports.ib)
    client.api.placeOrder(1, AAPL, { ...MARKET_ORDER, orderRef: 'intent-1#1' })
    await client.heard(EventName.commissionReport)
    expect(client.told.slice(-6).map(([event]) => event)).toEqual([
      'openOrder',
      'orderStatus',
      'execDetails',
      'openOrder',
      'orderStatus',
      'commissionReport',
    ])
    expect(statesOf(client, 1)).toEqual(['PreSubmitted', 'Filled'])
    expect(client.events(EventName.openOrder)[0]?.slice(0, 3)).toMatchObject([
      1,
      { conId: 265598, symbol: 'AAPL', secType: 'STK', exchange: 'SMART', currency: 'USD' },
      { orderId: 1, orderRef: 'intent-1#1', clientId: 1, action: 'BUY', totalQuantity: 1, account: 'DU1234567' },
    ])
    expect(client.events(EventName.openOrder).at(-1)?.at(-1)).toMatchObject({ status: 'Filled' })
    expect((await client.heard(EventName.execDetails))[2]).toMatchObject({ orderRef: 'intent-1#1', side: 'BOT' })
    expect(control.ledger('ib')).toMatchObject([
      { kind: 'submit', clientOrderId: 'intent-1#1', intent: 'intent-1', symbol: 'AAPL', attempt: 1, acked: true },
      { kind: 'fill', clientOrderId: 'intent-1#1', qty: '1' },
    ])
  })

  it('larger than what is offered is filled in parts, as the quote moves', async () => {
    const { ports, control } = await startStandIns()
    const client = await startTwsClient(ports.ib)
    client.api.placeOrder(1, AAPL, { ...MARKET_ORDER, totalQuantity: 1_500 })
    await client.heard(EventName.execDetails)
    expect(statesOf(client, 1)).toEqual(['PreSubmitted', 'Submitted'])
    for (let second = 0; second < 20; second++) control.advanceClock(1_000)
    await reached(client, 1, 'Filled')
    const trades = client.events(EventName.execDetails).map(([, , trade]) => trade)
    expect(trades.length).toBeGreaterThan(1)
    expect(trades.reduce<number>((sum, trade) => sum + Number(at(trade, 'shares')), 0)).toBe(1_500)
    expect(trades.at(-1)).toMatchObject({ cumQty: 1_500 })
    expect(new Set(trades.map((trade) => at(trade, 'execId'))).size).toBe(trades.length)
  })
})

describe('an order id', () => {
  it('that was used is a duplicate: 103', async () => {
    const { ports, control } = await startStandIns()
    const client = await startTwsClient(ports.ib)
    client.api.placeOrder(5, AAPL, MARKET_ORDER)
    await reached(client, 5, 'Filled')
    client.api.placeOrder(5, AAPL, MARKET_ORDER)
    client.api.placeOrder(4, AAPL, MARKET_ORDER)
    await client.heard(EventName.error, 2)
    expect(client.events(EventName.error).map(errorFacts)).toEqual([
      { code: 103, reqId: 5, text: 'Duplicate order id' },
      { code: 103, reqId: 4, text: 'Duplicate order id' },
    ])
    expect(control.ledger('ib').filter(({ kind }) => kind === 'submit')).toHaveLength(1)
  })

  it('of another client is a duplicate too, and the next one is beyond all', async () => {
    const { ports } = await startStandIns()
    const first = await startTwsClient(ports.ib, 1)
    const second = await startTwsClient(ports.ib, 2)
    first.api.placeOrder(1, AAPL, LIMIT_ORDER)
    await reached(first, 1, 'Submitted')
    second.api.placeOrder(1, AAPL, LIMIT_ORDER)
    expect(errorFacts(await second.heard(EventName.error))).toMatchObject({ code: 103, reqId: 1 })
    expect((await startTwsClient(ports.ib, 3)).nextId).toBe(2)
  })

  it('of an open order changes it', async () => {
    const { ports, control } = await startStandIns()
    const client = await startTwsClient(ports.ib)
    client.api.placeOrder(1, AAPL, { ...LIMIT_ORDER, orderRef: 'intent-1' })
    await reached(client, 1, 'Submitted')
    client.api.placeOrder(1, AAPL, { ...LIMIT_ORDER, orderRef: 'intent-1', totalQuantity: 2, lmtPrice: 5_000 })
    await reached(client, 1, 'Filled')
    expect(control.ledger('ib').map(({ kind, qty }) => [kind, qty])).toEqual([
      ['submit', '1'],
      ['replace', '2'],
      ['fill', '2'],
    ])
    expect(control.duplicates('ib')).toEqual([])
  })
})

describe('a cancellation', () => {
  it('of an open order is told as a state and as 202', async () => {
    const { ports, control } = await startStandIns()
    const client = await startTwsClient(ports.ib)
    client.api.placeOrder(1, AAPL, LIMIT_ORDER)
    await reached(client, 1, 'Submitted')
    client.api.cancelOrder(1)
    expect(errorFacts(await client.heard(EventName.error))).toMatchObject({ code: 202, reqId: 1 })
    expect(statesOf(client, 1)).toEqual(['PreSubmitted', 'Submitted', 'Cancelled'])
    await eventually(() => expect(control.ledger('ib').at(-1)).toMatchObject({ kind: 'cancel', acked: true }))
  })

  it('of an unknown order is 135, of a done one 10148', async () => {
    const { ports } = await startStandIns()
    const client = await startTwsClient(ports.ib)
    client.api.cancelOrder(99)
    client.api.placeOrder(1, AAPL, MARKET_ORDER)
    await reached(client, 1, 'Filled')
    client.api.cancelOrder(1)
    await client.heard(EventName.error, 2)
    expect(client.events(EventName.error).map(errorFacts)).toEqual([
      { code: 135, reqId: 99, text: "Can't find order with id =99" },
      { code: 10148, reqId: 1, text: 'OrderId 1 that needs to be cancelled can not be cancelled, state: Filled.' },
    ])
  })

  it('of all orders reaches those of every client, and each client hears of its own', async () => {
    const { ports } = await startStandIns()
    const first = await startTwsClient(ports.ib, 1)
    const second = await startTwsClient(ports.ib, 2)
    first.api.placeOrder(1, AAPL, LIMIT_ORDER)
    await reached(first, 1, 'Submitted')
    second.api.placeOrder(2, AAPL, LIMIT_ORDER)
    await reached(second, 2, 'Submitted')
    second.api.reqGlobalCancel()
    await reached(first, 1, 'Cancelled')
    await reached(second, 2, 'Cancelled')
  })
})

describe('what is asked of orders', () => {
  it('is told by client, of all clients, of those that are done, and of their trades', async () => {
    const { ports } = await startStandIns()
    const first = await startTwsClient(ports.ib, 1)
    first.api.placeOrder(1, AAPL, { ...LIMIT_ORDER, orderRef: 'open-1' })
    first.api.placeOrder(2, AAPL, { ...MARKET_ORDER, orderRef: 'done-1' })
    await reached(first, 2, 'Filled')
    const second = await startTwsClient(ports.ib, 2)
    second.api.placeOrder(3, AAPL, { ...LIMIT_ORDER, orderRef: 'open-2' })
    await reached(second, 3, 'Submitted')

    const asked = await startTwsClient(ports.ib, 9)
    const refs = () => asked.events(EventName.openOrder).map(([, , order]) => at(order, 'orderRef'))
    asked.api.reqOpenOrders()
    await asked.heard(EventName.openOrderEnd)
    expect(refs()).toEqual([])
    asked.api.reqAllOpenOrders()
    await asked.heard(EventName.openOrderEnd, 2)
    expect(refs()).toEqual(['open-1', 'open-2'])
    asked.api.reqCompletedOrders(true)
    await asked.heard(EventName.completedOrdersEnd)
    expect(asked.events(EventName.completedOrder)).toMatchObject([
      [{ symbol: 'AAPL' }, { orderRef: 'done-1', filledQuantity: 1 }, { status: 'Filled' }],
    ])
    asked.api.reqExecutions(77, {})
    expect(await asked.heard(EventName.execDetailsEnd)).toEqual([77])
    expect(asked.events(EventName.execDetails)).toMatchObject([
      [77, { symbol: 'AAPL' }, { orderRef: 'done-1', orderId: 2 }],
    ])
    asked.api.reqExecutions(78, { clientId: '2' })
    asked.api.reqExecutions(79, { side: 'SELL' })
    await asked.heard(EventName.execDetailsEnd, 3)
    expect(asked.events(EventName.execDetails)).toHaveLength(1)
  })

  it('goes on being told to the same client on its next connection', async () => {
    const { ports } = await startStandIns()
    const before = await startTwsClient(ports.ib)
    before.api.placeOrder(1, AAPL, { ...LIMIT_ORDER, orderRef: 'intent-1' })
    await reached(before, 1, 'Submitted')
    before.api.disconnect()
    await before.heard(EventName.disconnected)
    const after = await startTwsClient(ports.ib)
    expect(after.nextId).toBe(2)
    after.api.reqOpenOrders()
    await after.heard(EventName.openOrderEnd)
    expect(after.events(EventName.openOrder)).toMatchObject([[1, {}, { orderRef: 'intent-1' }, {}]])
    after.api.cancelOrder(1)
    await reached(after, 1, 'Cancelled')
  })
})

describe('an order that is not transmitted', () => {
  it('stays in TWS until it is', async () => {
    const { ports, control } = await startStandIns()
    const client = await startTwsClient(ports.ib)
    client.api.placeOrder(1, AAPL, { ...MARKET_ORDER, transmit: false })
    await reached(client, 1, 'Inactive')
    expect(control.ledger('ib')).toEqual([])
    client.api.placeOrder(1, AAPL, MARKET_ORDER)
    await reached(client, 1, 'Filled')
    expect(control.ledger('ib').map(({ kind }) => kind)).toEqual(['submit', 'fill'])
  })

  it('is sent by the last one of its group, whose orders wait for the first to be filled', async () => {
    const { ports } = await startStandIns()
    const client = await startTwsClient(ports.ib)
    const exit = { ...MARKET_ORDER, action: OrderAction.SELL, parentId: 1 }
    client.api.placeOrder(1, AAPL, { ...LIMIT_ORDER, transmit: false })
    client.api.placeOrder(2, AAPL, { ...exit, orderType: OrderType.LMT, lmtPrice: 9_000, transmit: false })
    client.api.placeOrder(3, AAPL, { ...exit, orderType: OrderType.STP, auxPrice: 9_000 })
    await reached(client, 1, 'Submitted')
    expect(statesOf(client, 3)).toEqual(['PreSubmitted'])
    client.api.placeOrder(1, AAPL, { ...LIMIT_ORDER, lmtPrice: 9_000 })
    await reached(client, 1, 'Filled')
    await reached(client, 3, 'Filled')
    client.api.cancelOrder(2)
    await reached(client, 2, 'Cancelled')
  })
})

describe('an order that makes no sense', () => {
  it.each([
    [200, { symbol: 'NOPE' }, {}],
    [200, { secType: 'FUT' }, {}],
    [200, { currency: 'EUR' }, {}],
    [460, { symbol: 'SPX', secType: 'IND' }, {}],
    [387, {}, { orderType: 'TRAIL' }],
    [434, {}, { totalQuantity: 0 }],
    [434, {}, { totalQuantity: -1 }],
    [10243, {}, { totalQuantity: 0.5 }],
    [321, {}, { orderType: 'LMT' }],
    [321, {}, { orderType: 'LMT', lmtPrice: -1 }],
    [110, {}, { orderType: 'LMT', lmtPrice: 1.001 }],
    [321, {}, { tif: 'XYZ' }],
    [321, {}, { account: 'U999' }],
    [201, {}, { totalQuantity: 100_000 }],
  ])('is refused with %d: %j %j', async (code, contract, order) => {
    const { ports, control } = await startStandIns()
    const client = await startTwsClient(ports.ib)
    client.api.placeOrder(1, Object.assign({}, AAPL, contract), Object.assign({}, MARKET_ORDER, order))
    expect(errorFacts(await client.heard(EventName.error))).toMatchObject({ code, reqId: 1 })
    expect(control.ledger('ib')).toEqual([])
    expect(client.events(EventName.openOrder)).toEqual([])
  })
})

describe('the ledger', () => {
  it('tells who sent an intent twice, though under other ids', async () => {
    const { ports, control, ask } = await startStandIns()
    const raw = await startRawTws(ports.ib)
    raw.send(...orderFields(1, { orderRef: 'intent-1#1' }))
    raw.send(...orderFields(2, { orderRef: 'intent-1#2' }))
    raw.send(...orderFields(3, { orderRef: 'intent-2' }))
    raw.send(...orderFields(4, { orderRef: '' }))
    raw.send(...orderFields(5, { orderRef: '' }))
    await eventually(() => expect(control.ledger('ib').filter(({ kind }) => kind === 'submit')).toHaveLength(5))
    expect(control.duplicates('ib').map(({ intent }) => intent)).toEqual(['intent-1'])
    expect(at((await ask('/_ledger/ib/duplicates')).body, 0, 'intent')).toBe('intent-1')
    expect(control.ledger('alpaca')).toEqual([])
  })
})
