import { VirtualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import { at, eventually, type StandIns, startStandIns } from '../support.ts'
import { openRawTws, orderFields, type RawTws, startRawTws } from './raw-tws.ts'
import { AAPL, EventName, errorFacts, LIMIT_ORDER, MARKET_ORDER, startTwsClient, type TwsClient } from './tws-client.ts'

/** Sends an order while a fault is in force. */
async function orderDuring(action: object, order = LIMIT_ORDER): Promise<StandIns & { readonly client: TwsClient }> {
  const standIns = await startStandIns()
  const client = await startTwsClient(standIns.ports.ib)
  standIns.control.setFaults('ib', { match: { msgId: 3 }, action })
  client.api.placeOrder(1, AAPL, { ...order, orderRef: 'intent-1' })
  return { ...standIns, client }
}

/** Submissions in the ledger, once the stand-in has closed its books on the order. */
async function submissions({ control }: StandIns): Promise<readonly object[]> {
  await eventually(() => expect(control.log(0, 'ib').at(-1)).toMatchObject({ method: 'PLACE_ORDER' }))
  return control.ledger('ib').filter(({ kind }) => kind === 'submit')
}

const LOST = { clientOrderId: 'intent-1', acked: false, faultId: 'fault-1' }

describe('the end of a connection', () => {
  it.each([
    { type: 'reset' },
    { type: 'fin' },
    { type: 'dieOnSubmit', where: 'before' },
    { type: 'flap', upMs: 0, downMs: 60_000 },
  ])('by %j comes before the order takes effect', async (action) => {
    const standIns = await orderDuring(action)
    await standIns.client.heard(EventName.disconnected)
    expect(await submissions(standIns)).toEqual([])
    expect(standIns.control.stats('ib').byStatus).toMatchObject({ none: 1 })
  })

  it.each([
    { type: 'resetAfter' },
    { type: 'reset', where: 'after' },
    { type: 'fin', where: 'after' },
    { type: 'dieOnSubmit' },
  ])('by %j loses the acknowledgement of an order that was executed', async (action) => {
    const standIns = await orderDuring(action)
    await standIns.client.heard(EventName.disconnected)
    expect(await submissions(standIns)).toMatchObject([LOST])
    expect(standIns.client.events(EventName.openOrder)).toEqual([])
    expect(standIns.control.lateExecutions('intent-1', 'ib')).toHaveLength(1)
  })

  it('by a reset of whoever connects leaves others alone', async () => {
    const { ports, control } = await startStandIns()
    const client = await startTwsClient(ports.ib)
    control.setFaults('ib', { action: { type: 'reset', where: 'accept' } })
    expect(await openRawTws(ports.ib).ended).toBe('ECONNRESET')
    client.api.reqCurrentTime()
    await client.heard(EventName.currentTime)
  })
})

describe('silence', () => {
  it('before an order takes effect: the connection stays, and nothing is heard or read any more', async () => {
    const standIns = await orderDuring({ type: 'hang' })
    expect(await submissions(standIns)).toEqual([])
    standIns.client.api.reqCurrentTime()
    // Another client is served meanwhile.
    const other = await startTwsClient(standIns.ports.ib, 2)
    other.api.reqCurrentTime()
    await other.heard(EventName.currentTime)
    expect(standIns.client.events(EventName.currentTime)).toEqual([])
    expect(standIns.client.api.isConnected).toBe(true)
  })

  it('afterwards keeps even the fill from the client', async () => {
    const standIns = await orderDuring({ type: 'hang', where: 'after' }, MARKET_ORDER)
    await eventually(() => expect(standIns.control.ledger('ib').map(({ kind }) => kind)).toEqual(['submit', 'fill']))
    expect(standIns.client.events(EventName.execDetails)).toEqual([])
    expect(await submissions(standIns)).toMatchObject([LOST])
    expect(standIns.client.api.isConnected).toBe(true)
  })
})

describe('an acknowledgement', () => {
  it('can be dropped for ever: the order is executed, and only who asks learns of it', async () => {
    const { client, control } = await orderDuring({ type: 'dropAck' }, MARKET_ORDER)
    await eventually(() => expect(control.ledger('ib').map(({ kind }) => kind)).toEqual(['submit', 'fill']))
    client.api.reqExecutions(5, {})
    expect((await client.heard(EventName.execDetails))[2]).toMatchObject({ orderRef: 'intent-1' })
    expect(client.events(EventName.openOrder)).toEqual([])
    expect(control.lateExecutions('intent-1', 'ib')).toHaveLength(1)
  })

  it('can lack its states: the execution is all that is told', async () => {
    const { client } = await orderDuring({ type: 'dropStatus' }, MARKET_ORDER)
    await client.heard(EventName.execDetails)
    client.api.reqCurrentTime()
    await client.heard(EventName.currentTime)
    expect(client.events(EventName.openOrder)).toEqual([])
    expect(client.events(EventName.orderStatus)).toEqual([])
  })

  it('can come three times', async () => {
    const { client } = await orderDuring({ type: 'dupStatus' }, MARKET_ORDER)
    await client.heard(EventName.orderStatus, 6)
    expect(client.events(EventName.orderStatus).map(([, state]) => state)).toEqual([
      ...['PreSubmitted', 'PreSubmitted', 'PreSubmitted'],
      ...['Filled', 'Filled', 'Filled'],
    ])
    expect(client.events(EventName.execDetails)).toHaveLength(1)
  })

  it('can come after the execution', async () => {
    const { client } = await orderDuring({ type: 'reorder' }, MARKET_ORDER)
    await client.heard(EventName.orderStatus)
    const news = client.told.map(([event]) => event).slice(-4)
    expect(news).toEqual(['execDetails', 'openOrder', 'orderStatus', 'commissionReport'])
  })

  it('that waits for an execution comes without one after a second', async () => {
    const { client, control } = await orderDuring({ type: 'reorder' })
    await eventually(() => expect(control.ledger('ib')).toHaveLength(1))
    control.advanceClock(1_000)
    await client.heard(EventName.openOrder)
  })
})

describe('an order', () => {
  it.each([
    [{ type: 'reject', reason: 'margin' }, 201, 'Order rejected - reason:margin'],
    [{ type: 'orderError' }, 200, 'No security definition has been found for the request'],
    [{ type: 'orderError', code: 460 }, 460, 'No trading permissions.'],
  ])('refused by %j is not executed', async (action, code, text) => {
    const standIns = await orderDuring(action)
    expect(errorFacts(await standIns.client.heard(EventName.error))).toEqual({ code, reqId: 1, text })
    expect(await submissions(standIns)).toEqual([])
    expect(standIns.control.stats('ib').byStatus).toMatchObject({ [code]: 1 })
  })
})

describe('a cancellation', () => {
  it.each([135, 161, 10147, 10148])('answered with %d is not done', async (reply) => {
    const { ports, control } = await startStandIns()
    const client = await startTwsClient(ports.ib)
    control.setFaults('ib', { action: { type: 'cancelReply', reply } })
    client.api.placeOrder(1, AAPL, LIMIT_ORDER)
    client.api.cancelOrder(1)
    expect(errorFacts(await client.heard(EventName.error))).toMatchObject({ code: reply, reqId: 1 })
    expect(control.ledger('ib').map(({ kind }) => kind)).toEqual(['submit'])
  })

  it('can be done without a word', async () => {
    const { ports, control } = await startStandIns()
    const client = await startTwsClient(ports.ib)
    control.setFaults('ib', { action: { type: 'cancelReply', reply: 'none' } })
    client.api.placeOrder(1, AAPL, LIMIT_ORDER)
    client.api.cancelOrder(1)
    await eventually(() => expect(control.ledger('ib').at(-1)).toMatchObject({ kind: 'cancel', acked: false }))
    client.api.reqOpenOrders()
    await client.heard(EventName.openOrderEnd)
    expect(client.events(EventName.error)).toEqual([])
    expect(client.events(EventName.orderStatus).map(([, state]) => state)).not.toContain('Cancelled')
  })
})

/** A raw connection whose answer to the time of day is spoilt. */
async function timeDuring(action: object, clock?: VirtualClock): Promise<StandIns & { raw: RawTws; before: number }> {
  const standIns = await startStandIns(clock === undefined ? {} : { clock })
  const raw = await startRawTws(standIns.ports.ib)
  await eventually(() => expect(raw.messages()).toHaveLength(6))
  standIns.control.setFaults('ib', { match: { msgId: 49, times: 1 }, action })
  const before = raw.received().length
  raw.send(49, 1)
  return { ...standIns, raw, before }
}

/** How long the answer to the time of day is: its length, its id, its version and ten digits. */
const TIME_BYTES = 4 + 3 + 2 + 11

describe('an answer', () => {
  it('can come in pieces of one byte', async () => {
    const { raw, before } = await timeDuring({ type: 'splitFrames' })
    const pieces: number[] = []
    raw.socket.on('data', (chunk) => pieces.push(chunk.length))
    raw.send(49, 1)
    await eventually(() => expect(raw.received()).toHaveLength(before + 2 * TIME_BYTES))
    expect(Math.max(...pieces)).toBeLessThan(TIME_BYTES)
    expect(raw.messages().filter(([id]) => id === '49')).toHaveLength(2)
  })

  it('in pieces is understood by the SDK', async () => {
    const { ports, control } = await startStandIns()
    control.setFaults('ib', { action: { type: 'splitFrames', bytes: 3 } })
    const client = await startTwsClient(ports.ib)
    client.api.placeOrder(1, AAPL, MARKET_ORDER)
    await client.heard(EventName.commissionReport)
  })

  it('can stop in the middle of a frame and go on later', async () => {
    const clock = new VirtualClock()
    const { raw, before } = await timeDuring({ type: 'partialFrame', pauseMs: 5_000 }, clock)
    await eventually(() => expect(raw.received()).toHaveLength(before + TIME_BYTES / 2))
    raw.send(49, 1)
    await clock.advance(4_999)
    expect(raw.received()).toHaveLength(before + TIME_BYTES / 2)
    await clock.advance(1)
    await eventually(() => expect(raw.received()).toHaveLength(before + 2 * TIME_BYTES))
  })

  it('can stop there for ever', async () => {
    const { raw, before, ports } = await timeDuring({ type: 'partialFrame' })
    await eventually(() => expect(raw.received()).toHaveLength(before + TIME_BYTES / 2))
    raw.send(49, 1)
    await startRawTws(ports.ib, 2)
    expect(raw.received()).toHaveLength(before + TIME_BYTES / 2)
  })

  it('can be cut short by the end of the connection', async () => {
    const { raw, before } = await timeDuring({ type: 'partial', bytes: 7 })
    await raw.ended
    expect(raw.received()).toHaveLength(before + 7)
  })

  it('can come a few bytes at a time', async () => {
    const clock = new VirtualClock()
    const { raw, before } = await timeDuring({ type: 'slowDrip', bytes: 4, everyMs: 1_000 }, clock)
    for (let bytes = 4; bytes <= TIME_BYTES; bytes += 4) {
      await eventually(() => expect(raw.received()).toHaveLength(before + bytes))
      await clock.advance(1_000)
    }
  })

  it.each(['before', 'after'])('can be late, %s the message took effect', async (where) => {
    const clock = new VirtualClock()
    const standIns = await startStandIns({ clock })
    const raw = await startRawTws(standIns.ports.ib)
    standIns.control.setFaults('ib', { match: { msgId: 3 }, action: { type: 'latency', ms: 5_000, where } })
    raw.send(...orderFields(1, { orderType: 'LMT', price: '1' }))
    await eventually(() => expect(standIns.control.faults('ib')).toMatchObject([{ hits: 1 }]))
    await clock.advance(4_000)
    expect(standIns.control.ledger('ib')).toHaveLength(where === 'before' ? 0 : 1)
    expect(raw.messages().filter(([id]) => id === '5')).toEqual([])
    await clock.advance(1_000)
    await raw.heard(5)
  })

  it.each([
    ['truncate', /^00000003343900$/],
    ['garbage', /^0000001[0-9a-f]/],
    ['wrongLength', /^0000000f343900/],
    ['negative', /^ffffffff3439/],
    ['huge', /^7fffffff/],
    ['long', /^010000007878/],
    ['empty', /^00000000$/],
  ])('can be none: %s', async (mode, bytes) => {
    const { raw, before } = await timeDuring({ type: 'malformed', mode })
    await eventually(() => expect(raw.received().subarray(before).toString('hex')).toMatch(bytes))
  })
})

describe('rules', () => {
  it('look at the client and at the order reference', async () => {
    const { ports, control } = await startStandIns()
    const first = await startTwsClient(ports.ib, 1)
    const second = await startTwsClient(ports.ib, 2)
    control.setFaults('ib', [
      { match: { orderRef: '^bad' }, action: { type: 'reject' } },
      { match: { clientId: 2, nth: [2] }, action: { type: 'orderError' } },
    ])
    first.api.placeOrder(1, AAPL, { ...LIMIT_ORDER, orderRef: 'bad-1' })
    await first.heard(EventName.error)
    first.api.placeOrder(2, AAPL, { ...LIMIT_ORDER, orderRef: 'good-1' })
    await first.heard(EventName.openOrder)
    second.api.placeOrder(3, AAPL, { ...LIMIT_ORDER, orderRef: 'good-2' })
    await second.heard(EventName.openOrder)
    second.api.placeOrder(4, AAPL, { ...LIMIT_ORDER, orderRef: 'good-3' })
    expect(errorFacts(await second.heard(EventName.error))).toMatchObject({ code: 200, reqId: 4 })
    expect(control.faults('ib')).toMatchObject([
      { seen: 1, hits: 1 },
      { seen: 2, hits: 1 },
    ])
  })

  it.each([
    [{ action: { type: 'nonsense' } }, /type must be one of latency, hang, .*notice/],
    [{ action: { type: 'dropStatus', where: 'after' } }, /Unrecognized key/],
    [{ action: { type: 'orderError', code: 999 } }, /rule\.action\.code is 999/],
    [{ action: { type: 'cancelReply', reply: 'maybe' } }, /rule\.action\.reply is "maybe"/],
    [{ action: { type: '1100', restoredAs: 1100 } }, /rule\.action\.restoredAs is 1100/],
    [{ action: { type: 'hang' }, match: { path: '/v2' } }, /Unrecognized key/],
    [{ action: { type: 'hang' }, match: { orderRef: '(' } }, /it must be a regular expression/],
    [{ action: { type: 'splitFrames', bytes: 0 } }, /rule\.action\.bytes is 0/],
  ])('that make no sense are refused: %j', async (rule, message) => {
    const { ask, control } = await startStandIns()
    const answer = await ask('/_faults/ib', { method: 'PUT', body: rule })
    expect(answer.status).toBe(400)
    expect(at(answer.body, 'detail')).toMatch(message)
    expect(control.faults('ib')).toEqual([])
  })

  it('are all known by the types that the complaint names', async () => {
    const { ask, control } = await startStandIns()
    const { body } = await ask('/_faults/ib', { method: 'PUT', body: { action: { type: '?' } } })
    const types = /must be one of (.*)$/.exec(String(at(body, 'detail')))?.[1]?.split(', ') ?? []
    const needs: Record<string, object> = { notice: { code: 2104 } }
    for (const type of types) control.setFaults('ib', { match: { msgId: 3 }, action: { type, ...needs[type] } })
    expect(types).toHaveLength(27)
  })
})
