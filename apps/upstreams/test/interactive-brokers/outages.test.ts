import { connect } from 'node:net'
import { VirtualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import { at, eventually, startStandIns } from '../support.ts'
import {
  AAPL,
  EventName,
  errorFacts,
  LIMIT_ORDER,
  openTwsClient,
  startTwsClient,
  type TwsClient,
} from './tws-client.ts'

const codes = ({ events }: TwsClient): readonly unknown[] => events(EventName.info).map(([, code]) => code)

/** Stand-ins whose time only the test moves, and a client with an open subscription. */
async function startSubscribed() {
  const standIns = await startStandIns({ clock: new VirtualClock() })
  const client = await startTwsClient(standIns.ports.ib)
  client.api.reqMktData(11, AAPL, '', false, false)
  await client.heard(EventName.tickPrice, 3)
  return { ...standIns, client }
}

describe('while TWS has lost Interactive Brokers (1100)', () => {
  it('orders are taken and not acknowledged, and data stops; with 1102 all is told', async () => {
    const { client, control } = await startSubscribed()
    control.setFaults('ib', { action: { type: '1100', forMs: 60_000, restoredAs: 1102 } })
    await eventually(() => expect(codes(client).at(-1)).toBe(1100))
    client.api.placeOrder(1, AAPL, { ...LIMIT_ORDER, orderRef: 'intent-1' })
    client.api.reqOpenOrders()
    await eventually(() => expect(control.ledger('ib')).toMatchObject([{ kind: 'submit', acked: false }]))
    const ticks = client.events(EventName.tickPrice).length
    control.advanceClock(30_000)
    // TWS itself answers.
    client.api.reqCurrentTime()
    await client.heard(EventName.currentTime)
    expect(client.events(EventName.openOrder)).toEqual([])
    expect(client.events(EventName.tickPrice)).toHaveLength(ticks)

    control.advanceClock(30_000)
    await eventually(() => expect(codes(client).at(-1)).toBe(1102))
    await client.heard(EventName.openOrderEnd)
    expect(client.events(EventName.openOrder).length).toBeGreaterThan(0)
    await eventually(() => expect(control.ledger('ib')).toMatchObject([{ acked: true }]))
    control.advanceClock(120_000)
    await eventually(() => expect(client.events(EventName.tickPrice).length).toBeGreaterThan(ticks))
  })

  it('what happened is never told with 1101, and subscriptions are gone', async () => {
    const { client, control } = await startSubscribed()
    control.setFaults('ib', { action: { type: '1100', forMs: 1_000, restoredAs: 1101 } })
    client.api.placeOrder(1, AAPL, { ...LIMIT_ORDER, orderRef: 'intent-1' })
    await eventually(() => expect(control.ledger('ib')).toHaveLength(1))
    control.advanceClock(1_000)
    await eventually(() => expect(codes(client).at(-1)).toBe(1101))
    const ticks = client.events(EventName.tickPrice).length
    for (let minute = 0; minute < 5; minute++) control.advanceClock(60_000)
    client.api.reqOpenOrders()
    await client.heard(EventName.openOrderEnd)
    expect(client.events(EventName.tickPrice)).toHaveLength(ticks)
    expect(client.events(EventName.openOrder)).toMatchObject([[1, {}, { orderRef: 'intent-1' }, {}]])
    expect(control.lateExecutions('intent-1', 'ib')).toHaveLength(1)
    // The request id is free again.
    client.api.reqMktData(11, AAPL, '', false, false)
    await client.heard(EventName.tickPrice, ticks + 3)
  })

  it('a new client hears it at once', async () => {
    const { ports, control } = await startStandIns()
    control.setFaults('ib', { action: { type: '1100' } })
    const client = await startTwsClient(ports.ib)
    await eventually(() => expect(codes(client)).toEqual([1100]))
    // Taking the faults away ends it.
    control.clearFaults('ib')
    await eventually(() => expect(codes(client)).toEqual([1100, 1102]))
  })

  it('it can begin with a message', async () => {
    const { ports, control } = await startStandIns({ clock: new VirtualClock() })
    control.setFaults('ib', { match: { msgId: 3 }, action: { type: '1100' } })
    const client = await startTwsClient(ports.ib)
    expect(codes(client)).not.toContain(1100)
    client.api.placeOrder(1, AAPL, LIMIT_ORDER)
    await eventually(() => expect(codes(client)).toContain(1100))
    expect(client.events(EventName.openOrder)).toEqual([])
    expect(control.ledger('ib')).toHaveLength(1)
  })
})

describe('a restart', () => {
  it('ends connections and refuses new ones for its time; then the ids go on', async () => {
    const { ports, control } = await startStandIns({ clock: new VirtualClock() })
    const client = await startTwsClient(ports.ib)
    client.api.placeOrder(7, AAPL, { ...LIMIT_ORDER, orderRef: 'intent-1' })
    await client.heard(EventName.openOrder)
    control.setFaults('ib', { action: { type: 'restart', forMs: 5_000 } })
    await client.heard(EventName.disconnected)
    const refused = openTwsClient(ports.ib)
    expect(errorFacts(await refused.heard(EventName.error))).toMatchObject({
      code: 502,
      text: expect.stringMatching(/ECONNREFUSED/),
    })
    control.advanceClock(5_000)
    await eventually(() => reachable(ports.ib))
    const after = await startTwsClient(ports.ib)
    expect(after.nextId).toBe(8)
    after.api.reqOpenOrders()
    await after.heard(EventName.openOrderEnd)
    expect(after.events(EventName.openOrder)).toMatchObject([[7, {}, { orderRef: 'intent-1' }, {}]])
  })

  it('in the moment of an order makes it vanish; rolled back, its id is given out again', async () => {
    const { ports, control } = await startStandIns({ clock: new VirtualClock() })
    const client = await startTwsClient(ports.ib)
    client.api.placeOrder(1, AAPL, { ...LIMIT_ORDER, orderRef: 'kept' })
    await client.heard(EventName.openOrder)
    const restart = { match: { msgId: 3 }, action: { type: 'restart', forMs: 1_000 } }
    control.setFaults('ib', [restart, { action: { type: 'rollbackNextValidId' } }])
    client.api.placeOrder(2, AAPL, { ...LIMIT_ORDER, orderRef: 'vanished' })
    await client.heard(EventName.disconnected)
    control.advanceClock(1_000)
    await eventually(() => reachable(ports.ib))
    expect((await startTwsClient(ports.ib)).nextId).toBe(2)
    expect(control.ledger('ib').map(({ clientOrderId }) => clientOrderId)).toEqual(['kept'])
  })

  it('rolled back further, an id means two orders, and a cancellation hits both', async () => {
    const { ports, control } = await startStandIns({ clock: new VirtualClock() })
    const before = await startTwsClient(ports.ib)
    before.api.placeOrder(1, AAPL, { ...LIMIT_ORDER, orderRef: 'first' })
    await before.heard(EventName.openOrder)
    control.setFaults('ib', [
      { action: { type: 'rollbackNextValidId', by: 1 } },
      { action: { type: 'restart', forMs: 1 } },
    ])
    await before.heard(EventName.disconnected)
    control.advanceClock(1)
    await eventually(() => reachable(ports.ib))
    const after = await startTwsClient(ports.ib)
    expect(after.nextId).toBe(1)
    after.api.placeOrder(1, AAPL, { ...LIMIT_ORDER, orderRef: 'second' })
    await after.heard(EventName.openOrder)
    after.api.cancelOrder(1)
    await eventually(() =>
      expect(
        control
          .ledger('ib')
          .filter(({ kind }) => kind === 'cancel')
          .map((row) => at(row, 'clientOrderId')),
      ).toEqual(['first', 'second']),
    )
  })

  it('ends when the faults are taken away, and with the stand-ins', async () => {
    const { ports, control, upstreams } = await startStandIns()
    control.setFaults('ib', { action: { type: 'restart', forMs: 60_000 } })
    control.clearFaults('ib')
    await eventually(() => reachable(ports.ib))
    control.setFaults('ib', { action: { type: 'restart', forMs: 60_000 } })
    await upstreams.close()
    await expect(reachable(ports.ib)).rejects.toThrow('ECONNREFUSED')
  })
})

it.each([1300, 2103, 2105, 2110])('notice %d is told to every client', async (code) => {
  const { ports, control } = await startStandIns()
  const clients = [await startTwsClient(ports.ib, 1), await startTwsClient(ports.ib, 2)]
  control.addFaults('ib', { action: { type: 'notice', code } })
  for (const client of clients) await eventually(() => expect(codes(client).at(-1)).toBe(code))
})

it('a reset begins anew: nobody is connected, nothing is in the books', async () => {
  const { ports, control } = await startStandIns()
  const client = await startTwsClient(ports.ib)
  client.api.placeOrder(1, AAPL, LIMIT_ORDER)
  await client.heard(EventName.openOrder)
  control.reset(7)
  await client.heard(EventName.disconnected)
  expect(control.ledger('ib')).toEqual([])
  expect((await startTwsClient(ports.ib)).nextId).toBe(1)
})

function reachable(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve()
    })
    socket.on('error', reject)
  })
}
