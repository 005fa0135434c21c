import { once } from 'node:events'
import { VirtualClock } from '@holdfast/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { at, eventually, type StandIns, startStandIns, textAt } from '../support.ts'
import { streamUrl } from './alpaca-client.ts'

interface Listener {
  readonly socket: WebSocket
  readonly heard: readonly unknown[]
  /** Names of the trade updates so far. */
  events(): readonly unknown[]
  send(message: unknown): void
  /** Waits until so many messages came. */
  until(count: number): Promise<unknown>
}

/** A web socket without an SDK. */
async function connect({ upstreams }: StandIns): Promise<Listener> {
  const socket = new WebSocket(streamUrl(upstreams.urls.alpaca))
  onTestFinished(() => socket.terminate())
  const heard: unknown[] = []
  socket.on('message', (data) => heard.push(JSON.parse(String(data))))
  await once(socket, 'open')
  return {
    socket,
    heard,
    events: () =>
      heard.flatMap((message) => (at(message, 'stream') === 'trade_updates' ? [at(message, 'data', 'event')] : [])),
    send: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    until: async (count) => {
      await eventually(() => expect(heard.length).toBeGreaterThanOrEqual(count))
      return heard.at(-1)
    },
  }
}

const AUTHENTICATE = { action: 'authenticate', data: { key_id: 'key', secret_key: 'secret' } }
const LISTEN = { action: 'listen', data: { streams: ['trade_updates'] } }

/** Stand-ins whose time only the test moves, and somebody who hears of orders. */
async function startListening(standIns?: StandIns): Promise<StandIns & { readonly listener: Listener }> {
  const all = standIns ?? (await startStandIns({ clock: new VirtualClock() }))
  const listener = await connect(all)
  listener.send(AUTHENTICATE)
  listener.send(LISTEN)
  await listener.until(2)
  return { ...all, listener }
}

const ORDER = {
  symbol: 'AAPL',
  qty: '1',
  side: 'buy',
  type: 'market',
  time_in_force: 'day',
  client_order_id: 'intent-1',
}
const FAR = { ...ORDER, type: 'limit', limit_price: '1' }

describe('the stream', () => {
  it('lets in who is welcome, and tells what it will tell', async () => {
    const { listener } = await startListening()
    expect(listener.heard).toEqual([
      { stream: 'authorization', data: { action: 'authenticate', status: 'authorized' } },
      { stream: 'listening', data: { streams: ['trade_updates'] } },
    ])
  })

  it.each([
    [{ action: 'authenticate', data: { key_id: 'key', secret_key: 'wrong' } }, 'authenticate'],
    [LISTEN, 'listen'],
  ])('refuses %j of a stranger', async (message, action) => {
    const listener = await connect(await startStandIns())
    listener.send(message)
    expect(await listener.until(1)).toEqual({ stream: 'authorization', data: { action, status: 'unauthorized' } })
  })

  it.each(['no json', '[]', { action: 'dance' }, { action: 'listen', data: { streams: 7 } }])(
    'says that it does not understand %j, and goes on',
    async (message) => {
      const listener = await connect(await startStandIns())
      listener.send(message)
      expect(await listener.until(1)).toEqual({ action: 'error', data: { error_message: 'invalid syntax' } })
      listener.send(AUTHENTICATE)
      expect(await listener.until(2)).toMatchObject({ data: { status: 'authorized' } })
    },
  )

  it('tells what happens to an order, without anybody asking', async () => {
    const { alpaca, control, listener } = await startListening()
    await alpaca('/v2/orders', { method: 'POST', body: ORDER })
    control.advanceClock(51)
    const filled = await listener.until(4)
    expect(listener.events()).toEqual(['pending_new', 'fill'])
    expect(filled).toMatchObject({
      data: { qty: '1', position_qty: '1', order: { client_order_id: 'intent-1', status: 'filled' } },
    })
    expect(Number(textAt(filled, 'data', 'price'))).toBeGreaterThan(0)
  })

  it('tells of cancellations, replacements and the end of the day', async () => {
    const { alpaca, control, listener } = await startListening()
    const place = async (id: string): Promise<string> =>
      textAt((await alpaca('/v2/orders', { method: 'POST', body: { ...FAR, client_order_id: id } })).body, 'id')
    const first = await place('one')
    await alpaca(`/v2/orders/${first}`, { method: 'PATCH', body: { limit_price: '2' } })
    const second = await place('two')
    await alpaca(`/v2/orders/${second}`, { method: 'DELETE' })
    control.advanceClock(86_400_000)
    await listener.until(8)
    expect(listener.events()).toEqual(['pending_new', 'pending_new', 'replaced', 'pending_new', 'canceled', 'expired'])
  })

  it('answers pings, and is gone with the stand-ins', async () => {
    const { listener, upstreams } = await startListening()
    const pong = once(listener.socket, 'pong')
    listener.socket.ping()
    await pong
    const closed = once(listener.socket, 'close')
    await upstreams.close()
    await closed
  })

  it('is one request in the log and in the counts', async () => {
    const { control } = await startListening()
    expect(control.log(0, 'alpaca')).toMatchObject([{ path: '/stream', status: 101, executed: true }])
    expect(control.stats('alpaca').byStatus).toEqual({ 101: 1 })
  })
})

describe('a rule about messages', () => {
  /** What a client hears of an order that is placed and then cancelled. */
  async function heardDuring(match: object, action: object): Promise<StandIns & { readonly listener: Listener }> {
    const all = await startListening()
    all.control.setFaults('alpaca', { match, action: { type: 'stream', ...action } })
    const { body } = await all.alpaca('/v2/orders', { method: 'POST', body: FAR })
    await all.alpaca(`/v2/orders/${textAt(body, 'id')}`, { method: 'DELETE' })
    return all
  }

  it('drops one', async () => {
    const { listener } = await heardDuring({ path: '/pending_new$' }, { effect: 'drop' })
    await listener.until(3)
    expect(listener.events()).toEqual(['canceled'])
  })

  it('delays one', async () => {
    const { listener, control } = await heardDuring({ path: '/pending_new$' }, { effect: 'delay', ms: 5_000 })
    await listener.until(3)
    expect(listener.events()).toEqual(['canceled'])
    control.advanceClock(5_000)
    await listener.until(4)
    expect(listener.events()).toEqual(['canceled', 'pending_new'])
  })

  it('tells one twice', async () => {
    const { listener } = await heardDuring({ path: '/canceled$' }, { effect: 'duplicate' })
    await listener.until(5)
    expect(listener.events()).toEqual(['pending_new', 'canceled', 'canceled'])
  })

  it('lets the next one overtake it', async () => {
    const { listener } = await heardDuring({ path: '/pending_new$' }, { effect: 'reorder' })
    await listener.until(4)
    expect(listener.events()).toEqual(['canceled', 'pending_new'])
  })

  it('ends the connection instead', async () => {
    const all = await startListening()
    all.control.setFaults('alpaca', { action: { type: 'stream', effect: 'disconnect' } })
    const closed = once(all.listener.socket, 'close')
    await all.alpaca('/v2/orders', { method: 'POST', body: FAR })
    await closed
    expect(all.listener.events()).toEqual([])
    // Orders themselves are no messages.
    expect(all.control.faults('alpaca')).toMatchObject([{ seen: 1, hits: 1 }])
  })

  it('makes it fall silent: no message, no pong', async () => {
    const { listener, alpaca } = await heardDuring({ path: '/pending_new$' }, { effect: 'stall' })
    let pongs = 0
    listener.socket.on('pong', () => pongs++)
    listener.socket.ping()
    await alpaca('/v2/orders', { method: 'POST', body: { ...FAR, client_order_id: 'intent-2' } })
    // Somebody else is served meanwhile.
    expect((await alpaca('/v2/clock')).status).toBe(200)
    expect([listener.events(), pongs, listener.socket.readyState]).toEqual([[], 0, WebSocket.OPEN])
  })
})

describe('the way in', () => {
  /** How a web socket fails to open. */
  async function refusal(standIns: StandIns, path = ''): Promise<string> {
    const socket = new WebSocket(`${streamUrl(standIns.upstreams.urls.alpaca)}${path}`)
    onTestFinished(() => socket.terminate())
    const [error] = await once(socket, 'error')
    return error instanceof Error ? error.message : String(error)
  }

  it.each([
    [{ type: 'status', code: 503 }, 'Unexpected server response: 503'],
    [{ type: 'rate429' }, 'Unexpected server response: 429'],
    [{ type: 'flap', upMs: 0, downAction: 'status503' }, 'Unexpected server response: 503'],
    [{ type: 'reset' }, /ECONNRESET|socket hang up/],
    [{ type: 'fin' }, 'socket hang up'],
  ])('is closed by %j', async (action, message) => {
    const standIns = await startStandIns()
    standIns.control.setFaults('alpaca', { match: { path: '/stream' }, action })
    expect(await refusal(standIns)).toMatch(message)
  })

  it('is nowhere else', async () => {
    expect(await refusal(await startStandIns(), '/nowhere')).toBe('Unexpected server response: 404')
  })

  it('hangs until the client gives up, or the stand-ins are closed', async () => {
    const standIns = await startStandIns()
    standIns.control.setFaults('alpaca', { action: { type: 'hang' } })
    const refused = refusal(standIns)
    await eventually(() => expect(standIns.control.stats('alpaca').requests).toBe(1))
    await standIns.upstreams.close()
    expect(await refused).toMatch(/socket hang up|ECONNRESET/)
  })

  it('is slow when a fault wants it', async () => {
    const clock = new VirtualClock()
    const standIns = await startStandIns({ clock })
    standIns.control.setFaults('alpaca', { match: { path: '/stream' }, action: { type: 'latency', ms: 5_000 } })
    const connecting = connect(standIns)
    await eventually(() => expect(standIns.control.faults('alpaca')).toMatchObject([{ hits: 1 }]))
    await clock.advance(5_000)
    await connecting
  })
})
