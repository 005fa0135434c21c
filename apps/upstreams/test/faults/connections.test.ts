import { describe, expect, it } from 'vitest'
import { eventually, MARKET_ORDER, openWire, requestText, type StandIns, startStandIns } from '../support.ts'

const ORDER = requestText('/v2/orders', { method: 'POST', body: { ...MARKET_ORDER, client_order_id: 'intent-1' } })

/** Sends an order while a fault is in force. */
async function orderDuring(action: object): Promise<{ standIns: StandIns; wire: ReturnType<typeof openWire> }> {
  const standIns = await startStandIns()
  standIns.control.setFaults('alpaca', { action })
  return { standIns, wire: openWire(standIns.ports.alpaca, ORDER) }
}

/** Submissions in the ledger, once the stand-in has closed its books on the request. */
async function submissions({ control }: StandIns): Promise<readonly object[]> {
  await eventually(() => expect(control.log()).toHaveLength(1))
  return control.ledger().filter(({ kind }) => kind === 'submit')
}

const LOST = { clientOrderId: 'intent-1', acked: false, faultId: 'fault-1' }

describe('a reset', () => {
  it.each([
    { type: 'reset' },
    { type: 'reset', where: 'accept' },
    { type: 'reset', where: 'headers' },
    { type: 'reset', where: 'before' },
  ])('of %j is a TCP reset without a byte, and nothing took effect', async (action) => {
    const { standIns, wire } = await orderDuring(action)
    expect(await wire.ended).toBe('ECONNRESET')
    expect(wire.received()).toBe('')
    expect(await submissions(standIns)).toEqual([])
    expect(standIns.control.stats('alpaca')).toMatchObject({ requests: 1, executed: 0, byStatus: { none: 1 } })
  })

  it.each([{ type: 'reset', where: 'after' }, { type: 'resetAfter' }])(
    'of %j loses the acknowledgement of an order that was executed',
    async (action) => {
      const { standIns, wire } = await orderDuring(action)
      expect(await wire.ended).toBe('ECONNRESET')
      expect(wire.received()).toBe('')
      expect(await submissions(standIns)).toMatchObject([LOST])
      expect(standIns.control.lateExecutions('intent-1')).toHaveLength(1)
      expect(standIns.control.log()).toMatchObject([
        { executed: true, status: null, outcome: 'cut off', faultId: 'fault-1' },
      ])
    },
  )
})

describe('a fin', () => {
  it('closes the connection in an orderly way, and nothing took effect', async () => {
    const { standIns, wire } = await orderDuring({ type: 'fin' })
    expect(await wire.ended).toBe('closed')
    expect(wire.received()).toBe('')
    expect(await submissions(standIns)).toEqual([])
  })

  it('afterwards closes it although the order was executed', async () => {
    const { standIns, wire } = await orderDuring({ type: 'fin', where: 'after' })
    expect(await wire.ended).toBe('closed')
    expect(wire.received()).toBe('')
    expect(await submissions(standIns)).toMatchObject([LOST])
  })
})

describe('a hang', () => {
  it('answers nothing and keeps the connection open until the client gives up', async () => {
    const { standIns, wire } = await orderDuring({ type: 'hang' })
    await eventually(() => expect(standIns.control.stats('alpaca').requests).toBe(1))
    // Another request comes and goes meanwhile.
    standIns.control.clearFaults('alpaca')
    expect((await standIns.alpaca('/v2/clock')).status).toBe(200)
    expect(wire.received()).toBe('')
    await eventually(() => expect(standIns.control.log()).toMatchObject([{ path: '/v2/clock' }]))
    wire.giveUp()
    await eventually(() => expect(standIns.control.log()).toHaveLength(2))
    expect(standIns.control.log(1)).toMatchObject([{ path: '/v2/orders', executed: false, outcome: 'cut off' }])
    expect(standIns.control.ledger()).toEqual([])
  })

  it('afterwards keeps silent about an order that was executed', async () => {
    const { standIns, wire } = await orderDuring({ type: 'hang', where: 'after' })
    await eventually(() => expect(standIns.control.ledger()).toMatchObject([{ kind: 'submit' }]))
    expect(wire.received()).toBe('')
    wire.giveUp()
    expect(await submissions(standIns)).toMatchObject([LOST])
  })
})

describe('a partial answer', () => {
  it('announces all of it, brings so many bytes, and ends', async () => {
    const { standIns, wire } = await orderDuring({ type: 'partial', bytes: 12 })
    await wire.ended
    const [head = '', body] = wire.received().split('\r\n\r\n')
    expect(head).toMatch(/^HTTP\/1\.1 200 /)
    expect(Number(/content-length: (\d+)/i.exec(head)?.[1])).toBeGreaterThan(100)
    expect(body).toMatch(/^\{"id":"[0-9a-f]{5}$/)
    expect(await submissions(standIns)).toMatchObject([LOST])
  })

  it('brings ten bytes unless told otherwise, and none if told so', async () => {
    const standIns = await startStandIns()
    for (const [action, bytes] of [
      [{ type: 'partial' }, 10],
      [{ type: 'partial', bytes: 0 }, 0],
    ] as const) {
      standIns.control.setFaults('alpaca', { action })
      const wire = openWire(standIns.ports.alpaca, requestText('/v2/clock'))
      await wire.ended
      expect(wire.received().split('\r\n\r\n')[1]).toHaveLength(bytes)
    }
  })
})
