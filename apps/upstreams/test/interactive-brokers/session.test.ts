import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrameReader, frame, LONGEST_MESSAGE } from '../../src/interactive-brokers/wire/frame.ts'
import { eventually, startStandIns } from '../support.ts'
import { GREETING, openRawTws, orderFields, startRawTws } from './raw-tws.ts'
import { EventName, errorFacts, openTwsClient, startTwsClient } from './tws-client.ts'

describe('a session', () => {
  it('begins with the version and the time, byte for byte', async () => {
    const { ports } = await startStandIns()
    const raw = openRawTws(ports.ib)
    await eventually(() => expect(raw.messages()).toHaveLength(1))
    expect(raw.received().toString('latin1')).toBe('\0\0\0\u001a176\u000020260105 10:00:00 EST\0')
  })

  it('tells the account, the next order id and the data farms', async () => {
    const { ports } = await startStandIns()
    const client = await startTwsClient(ports.ib)
    await client.heard(EventName.info, 3)
    expect(client.told.map(([event]) => event).slice(0, 4)).toEqual([
      'connected',
      'server',
      'managedAccounts',
      'nextValidId',
    ])
    expect(client.events(EventName.managedAccounts)).toEqual([['DU1234567']])
    expect(client.events(EventName.info).map(([, code]) => code)).toEqual([2104, 2106, 2158])
    expect(client.nextId).toBe(1)
  })

  it('refuses a client id that is in use with 326, which the SDK tells as information, and ends', async () => {
    const { ports } = await startStandIns()
    const first = await startTwsClient(ports.ib, 7)
    const second = openTwsClient(ports.ib, 7)
    await second.heard(EventName.disconnected)
    expect(second.events(EventName.info)).toMatchObject([[expect.stringMatching(/already in use/), 326]])
    expect(second.events(EventName.error)).toEqual([])
    expect(first.api.isConnected).toBe(true)
    // Once the first one has gone, its id is free.
    first.api.disconnect()
    await eventually(async () => {
      await startTwsClient(ports.ib, 7)
    })
  })

  it('tells the time, the account and the next id again', async () => {
    const { ports, upstreams } = await startStandIns()
    const { api, heard } = await startTwsClient(ports.ib)
    api.reqCurrentTime()
    api.reqManagedAccts()
    api.reqIds()
    await heard(EventName.nextValidId, 2)
    expect(await heard(EventName.currentTime)).toEqual([expect.closeTo(Date.now() / 1_000, -2)])
    expect(upstreams.urls.ib).toBe(`tcp://127.0.0.1:${ports.ib}`)
  })

  it.each([
    ['versions that are all too new', Buffer.from('API\0\0\0\0\u0009v177..193')],
    ['versions that are all too old', Buffer.from('API\0\0\0\0\u0009v100..120')],
    ['another protocol', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a version without sense', Buffer.from('API\0\0\0\0\u0005hello')],
    ['a length that cannot be meant', Buffer.from('API\0\xff\xff\xff\xff', 'latin1')],
  ])('ends with %s', async (_what, greeting) => {
    const { ports } = await startStandIns()
    const raw = openRawTws(ports.ib, greeting)
    await raw.ended
    expect(raw.received()).toHaveLength(0)
  })

  it('takes options after the versions', async () => {
    const { ports } = await startStandIns()
    const text = 'v100..193 +PACEAPI'
    const raw = openRawTws(ports.ib, Buffer.from(`API\0\0\0\0${String.fromCharCode(text.length)}${text}`))
    await eventually(() => expect(raw.messages()).toHaveLength(1))
  })

  it('says nothing before the session was started, but that it was not', async () => {
    const { ports, control } = await startStandIns()
    const raw = openRawTws(ports.ib)
    await eventually(() => expect(raw.messages()).toHaveLength(1))
    raw.send(...orderFields(1))
    expect((await raw.heard(4)).slice(2, 4)).toEqual(['-1', '320'])
    expect(control.ledger('ib')).toEqual([])
  })

  it('says what is wrong with a message, and goes on', async () => {
    const { ports, control } = await startStandIns()
    const raw = await startRawTws(ports.ib)
    const errors = () =>
      raw
        .messages()
        .filter(([id, , reqId]) => id === '4' && reqId === '-1')
        .map(([, , , code, text]) => [code, text])
    raw.send(3, 1, '', 'AAPL')
    raw.send(3, 'one')
    raw.send(4711, 1)
    raw.send('hello')
    raw.send(...orderFields(1, { qty: 'many' }))
    await eventually(() => expect(errors().filter(([code]) => code === '320')).toHaveLength(5))
    expect(
      errors()
        .filter(([code]) => code === '320')
        .map(([, text]) => text?.split('request: ')[1]),
    ).toEqual([
      'it ends before field 5',
      'field 2 is "one", not a whole number',
      'there is no message 4711',
      'there is no message NaN',
      'field 18 is "many", not a decimal figure',
    ])
    raw.send(49, 1)
    await raw.heard(49)
    expect(control.ledger('ib')).toEqual([])
  })

  it.each([0, -1, LONGEST_MESSAGE + 1, 0x7fff_ffff])(
    'ends with a message of %d bytes, and nothing else does',
    async (length) => {
      const { ports } = await startStandIns()
      const other = await startTwsClient(ports.ib, 2)
      const raw = await startRawTws(ports.ib)
      const head = Buffer.alloc(4)
      head.writeInt32BE(length)
      raw.socket.write(Buffer.concat([head, Buffer.from('49\x001\0')]))
      await raw.ended
      other.api.reqCurrentTime()
      await other.heard(EventName.currentTime)
    },
  )

  it('forgets half a message whose connection died, and its client id', async () => {
    const { ports, control } = await startStandIns()
    const raw = await startRawTws(ports.ib)
    const order = frame(orderFields(1))
    await new Promise<void>((resolve) => raw.socket.write(order.subarray(0, order.length - 1), () => resolve()))
    raw.socket.destroy()
    await eventually(async () => {
      await startRawTws(ports.ib)
    })
    expect(control.ledger('ib')).toEqual([])
  })

  it('takes messages that come byte by byte', async () => {
    const { ports, control } = await startStandIns()
    const raw = await startRawTws(ports.ib)
    raw.socket.setNoDelay(true)
    for (const byte of frame(orderFields(1))) {
      raw.socket.write(Buffer.from([byte]))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await raw.heard(5)
    expect(control.ledger('ib')).toMatchObject([{ kind: 'submit', clientOrderId: 'intent-1' }])
  })

  it('of a client that never learns an order id sends nothing', async () => {
    const { ports, control } = await startStandIns()
    control.setFaults('ib', { match: { clientId: 1 }, action: { type: 'noNextValidId' } })
    const client = openTwsClient(ports.ib)
    await client.heard(EventName.info, 3)
    client.api.reqCurrentTime()
    // The SDK holds its command back: another client comes and goes meanwhile.
    await startTwsClient(ports.ib, 2)
    expect(client.events(EventName.nextValidId)).toEqual([])
    expect(client.events(EventName.currentTime)).toEqual([])
  })
})

describe('frames', () => {
  it('are read whole wherever they are cut', () => {
    const fields = fc.array(fc.string({ unit: fc.constantFrom('a', '1', '.', ' ', 'ü') }), {
      minLength: 1,
      maxLength: 6,
    })
    fc.assert(
      fc.property(fc.array(fields, { maxLength: 5 }), fc.array(fc.nat(200), { maxLength: 8 }), (messages, cuts) => {
        const stream = Buffer.concat([GREETING, ...messages.map((message) => frame(message))])
        const reader = new FrameReader()
        const edges = [0, ...cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b), stream.length]
        const read = edges.slice(1).flatMap((edge, index) => reader.push(stream.subarray(edges[index], edge)))
        expect(read).toEqual([['v100..193'], ...messages])
      }),
    )
  })

  it('write nothing as an empty field, and true as 1', () => {
    expect(frame([1, null, true, false, 'ü']).toString('hex')).toBe('0000000a3100003100300 0c3bc00'.replaceAll(' ', ''))
  })
})

it('errors of the SDK have a code and the id of what they are about', async () => {
  const { ports } = await startStandIns()
  const client = await startTwsClient(ports.ib)
  client.api.cancelOrder(99)
  expect(errorFacts(await client.heard(EventName.error))).toEqual({
    code: 135,
    reqId: 99,
    text: "Can't find order with id =99",
  })
})
