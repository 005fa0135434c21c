import { createServer, type IncomingMessage } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { restClient } from '@polygon.io/client-js'
import { Agent, Client, H2CClient, request } from 'undici'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { ATTEMPT_HEADER, NeverSentError, WireAttempt, withWireProof } from '../../src/index.ts'
import { rejection } from '../support.ts'

/** Listens on a free port until the test is over, whatever hangs. @returns the address without a protocol */
async function listening(server: Server): Promise<string> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('it listens on no port')
  return `127.0.0.1:${address.port}`
}

/** A server that writes down which attempts reached it. */
async function startServer(
  answer: (end: () => void, request: IncomingMessage) => void,
): Promise<{ readonly url: string; readonly arrived: string[] }> {
  const arrived: string[] = []
  const server = createServer((incoming, outgoing) => {
    arrived.push(String(incoming.headers[ATTEMPT_HEADER]))
    answer(() => outgoing.setHeader('content-type', 'application/json').end('{"status":"OK","results":[]}'), incoming)
  })
  return { url: `http://${await listening(server)}`, arrived }
}

/** An address at which nobody listens. */
async function closedAddress(): Promise<string> {
  const server = createTcpServer()
  const address = await listening(server)
  await new Promise((resolve) => server.close(resolve))
  return address
}

const POST = { method: 'POST', body: '{}' }

describe('what the wire shows of a request by fetch', () => {
  it('is that it was sent, when it was answered', async () => {
    const { url, arrived } = await startServer((end) => end())
    const attempt = new WireAttempt()
    await fetch(url, { ...POST, headers: { ...attempt.headers } })
    expect(attempt.evidence()).toBe('sent')
    expect(arrived).toEqual([attempt.headers[ATTEMPT_HEADER]])
  })

  it('is that it was sent, when the answer never came', async () => {
    const { url, arrived } = await startServer(() => undefined)
    const attempt = new WireAttempt()
    const controller = new AbortController()
    const failed = rejection(fetch(url, { ...POST, headers: { ...attempt.headers }, signal: controller.signal }))
    await vi.waitFor(() => expect(arrived).toHaveLength(1))
    controller.abort()
    await failed
    expect(attempt.evidence()).toBe('sent')
  })

  it('is that it was sent, when the connection was reset', async () => {
    const { url } = await startServer((_end, { socket }) => socket.resetAndDestroy())
    const attempt = new WireAttempt()
    await rejection(fetch(url, { ...POST, headers: { ...attempt.headers } }))
    expect(attempt.evidence()).toBe('sent')
  })

  it('is that it was never sent, when the connection was refused', async () => {
    const attempt = new WireAttempt()
    await rejection(fetch(`http://${await closedAddress()}`, { ...POST, headers: { ...attempt.headers } }))
    expect(attempt.evidence()).toBe('never-sent')
  })

  it('is that it was never sent, when time was up before TLS was agreed on: the error alone looks like any timeout', async () => {
    const connected: Socket[] = []
    const address = await listening(createTcpServer((socket) => connected.push(socket)))
    const attempt = new WireAttempt()
    const controller = new AbortController()
    const url = `https://${address}`
    const failed = rejection(fetch(url, { ...POST, headers: { ...attempt.headers }, signal: controller.signal }))
    await vi.waitFor(() => expect(connected).toHaveLength(1))
    controller.abort(new DOMException('time is up', 'TimeoutError'))
    expect(await failed).toMatchObject({ name: 'TimeoutError' })
    expect(attempt.evidence()).toBe('never-sent')
  })

  it('proves nothing when nobody saw the request', async () => {
    const attempt = new WireAttempt()
    expect(attempt.evidence()).toBe('unknown')
    // Port 1 is on the list that fetch never connects to.
    await rejection(fetch('http://127.0.0.1:1', { headers: { ...attempt.headers } }))
    expect(attempt.evidence()).toBe('unknown')
  })

  it('is told of each request by its header, whoever’s turn it is on a connection that several share', async () => {
    const ends: (() => void)[] = []
    const { url, arrived } = await startServer((end) => ends.push(end))
    const agent = new Agent({ connections: 2, pipelining: 1 })
    onTestFinished(() => agent.destroy())
    const attempts = Array.from({ length: 6 }, () => new WireAttempt())
    const controllers = attempts.map(() => new AbortController())
    const settled = attempts.map(({ headers }, index) => {
      const signal = controllers[index]?.signal
      return request(url, { method: 'POST', headers, dispatcher: agent, ...(signal && { signal }) }).catch(
        (error: unknown) => error,
      )
    })
    await vi.waitFor(() => expect(ends).toHaveLength(2))
    ends.shift()?.()
    await vi.waitFor(() => expect(arrived).toHaveLength(3))
    for (const controller of controllers) controller.abort()
    await Promise.all(settled)
    for (const attempt of attempts) {
      const hasArrived = arrived.includes(attempt.headers[ATTEMPT_HEADER])
      // A request that waits in a pool was not even made yet: that proves nothing. A false proof would be a doubled order.
      expect(hasArrived ? ['sent'] : ['never-sent', 'unknown']).toContain(attempt.evidence())
    }
  })
})

describe('what the wire shows of a request', () => {
  it('by undici, and once it was said that it never left, it cannot leave any more', async () => {
    const ends: (() => void)[] = []
    const { url, arrived } = await startServer((end) => ends.push(end))
    const client = new Client(url, { pipelining: 1 })
    onTestFinished(() => client.destroy())
    const first = client.request({ path: '/first', method: 'GET' })
    await vi.waitFor(() => expect(ends).toHaveLength(1))
    const attempt = new WireAttempt()
    const second = rejection(client.request({ path: '/second', method: 'POST', headers: attempt.headers }))
    expect(attempt.evidence()).toBe('never-sent')
    ends[0]?.()
    await (await first).body.dump()
    expect(await second).toMatchObject({ code: 'UND_ERR_SOCKET' })
    expect(arrived).toEqual(['undefined'])
  })

  it('that is held back before it is made is that it never leaves', async () => {
    const { url, arrived } = await startServer((end) => end())
    const attempt = new WireAttempt()
    // Nobody has seen it, and that proves nothing.
    expect(attempt.hold()).toBe('unknown')
    await rejection(fetch(url, { ...POST, headers: { ...attempt.headers } }))
    expect(attempt.evidence()).toBe('never-sent')
    expect(arrived).toEqual([])
  })

  it('that has left is not changed by holding it back', async () => {
    const { url, arrived } = await startServer((end) => setTimeout(end, 20))
    const attempt = new WireAttempt()
    const answered = fetch(url, { ...POST, headers: { ...attempt.headers } })
    await vi.waitFor(() => expect(arrived).toHaveLength(1))
    expect(attempt.hold()).toBe('sent')
    expect((await answered).status).toBe(200)
  })

  it('over HTTP/2 proves nothing unless it was sent', async () => {
    const server = createHttp2Server((_request, response) => response.end('{}'))
    const url = `http://${await listening(server)}`
    const client = new H2CClient(url)
    onTestFinished(() => client.destroy())
    const answered = new WireAttempt()
    await (await client.request({ path: '/', method: 'POST', headers: answered.headers })).body.dump()
    expect(answered.evidence()).toBe('sent')
    const failed = new WireAttempt()
    const controller = new AbortController()
    controller.abort()
    await rejection(client.request({ path: '/', method: 'POST', headers: failed.headers, signal: controller.signal }))
    expect(failed.evidence()).toBe('unknown')
  })

  it('by an axios SDK, once it uses the adapter for fetch', async () => {
    const { url, arrived } = await startServer(() => undefined)
    const client = restClient('key', url)
    const axios: unknown = Reflect.get(client, 'axios')
    const defaults: unknown = typeof axios === 'function' ? Reflect.get(axios, 'defaults') : undefined
    if (typeof defaults !== 'object' || defaults === null) throw new Error('the SDK has no axios of its own')
    Reflect.set(defaults, 'adapter', 'fetch')
    const attempt = new WireAttempt()
    const controller = new AbortController()
    const failed = rejection(client.getLastStocksQuote('AAPL', { signal: controller.signal, headers: attempt.headers }))
    await vi.waitFor(() => expect(arrived).toEqual([attempt.headers[ATTEMPT_HEADER]]))
    controller.abort()
    await failed
    expect(attempt.evidence()).toBe('sent')

    const refused = new WireAttempt()
    const nowhere = restClient('key', `http://${await closedAddress()}`)
    Reflect.set(Reflect.get(Reflect.get(nowhere, 'axios'), 'defaults'), 'adapter', 'fetch')
    await rejection(nowhere.getLastStocksQuote('AAPL', { headers: refused.headers }))
    expect(refused.evidence()).toBe('never-sent')
  })
})

describe('an attempt with proof', () => {
  it('fails with NeverSentError where nothing left, and the original error is its cause', async () => {
    const url = `http://${await closedAddress()}`
    const error = await rejection(withWireProof((headers) => fetch(url, { ...POST, headers: { ...headers } })))
    expect(error).toBeInstanceOf(NeverSentError)
    expect(error).toMatchObject({ code: 'HOLDFAST_NEVER_SENT', cause: { message: 'fetch failed' } })
  })

  it('fails as it failed where something may have left', async () => {
    const { url } = await startServer((_end, { socket }) => socket.resetAndDestroy())
    const error = await rejection(withWireProof((headers) => fetch(url, { ...POST, headers: { ...headers } })))
    expect(error).toBeInstanceOf(TypeError)
    const own = new RangeError('nothing to do with a request')
    expect(await rejection(withWireProof(() => Promise.reject(own)))).toBe(own)
  })
})
