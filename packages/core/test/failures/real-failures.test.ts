import { request as httpRequest } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import axios from 'axios'
import { describeFailure } from 'holdfast'
import { Agent, request as undiciRequest } from 'undici'
import { afterEach, describe, expect, it } from 'vitest'
import { rejection } from '../support.ts'

/** Errors as they really come, from real sockets. */
const servers: Server[] = []
const sockets: Socket[] = []

async function listen(onConnection: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined)
    onConnection(socket)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/`
}

async function closedPort(): Promise<string> {
  const url = await listen(() => undefined)
  await new Promise((resolve) => servers.pop()?.close(resolve))
  return url
}

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const server of servers.splice(0)) server.close()
})

const viaHttp = (url: string): Promise<unknown> =>
  new Promise((resolve, reject) => {
    httpRequest(url, resolve).on('error', reject).end()
  })

const clients: readonly (readonly [string, (url: string) => Promise<unknown>])[] = [
  ['fetch', (url) => fetch(url)],
  ['undici', (url) => undiciRequest(url)],
  ['axios', (url) => axios.get(url)],
  ['axios over fetch', (url) => axios.get(url, { adapter: 'fetch' })],
  ['node:http', viaHttp],
]

describe.each(clients)('%s', (_name, ask) => {
  it('a refused connection was never sent', async () => {
    const error = await rejection(ask(await closedPort()))
    expect(describeFailure(error)).toMatchObject({ kind: 'never-sent', transient: true, code: 'ECONNREFUSED' })
  })

  it('a name that does not resolve was never sent', async () => {
    const error = await rejection(ask('http://nonexistent.invalid/'))
    expect(describeFailure(error)).toMatchObject({ kind: 'never-sent', transient: true })
  })

  it('a reset after the request may have happened', async () => {
    const url = await listen((socket) => socket.once('data', () => socket.resetAndDestroy()))
    expect(describeFailure(await rejection(ask(url)))).toMatchObject({
      kind: 'may-have-happened',
      verdict: 'failure',
      transient: true,
    })
  })

  it('an end without an answer may have happened', async () => {
    const url = await listen((socket) => socket.once('data', () => socket.end()))
    expect(describeFailure(await rejection(ask(url)))).toMatchObject({
      kind: 'may-have-happened',
      verdict: 'failure',
      transient: true,
    })
  })

  it('an answer that is no HTTP may have happened', async () => {
    const url = await listen((socket) => socket.once('data', () => socket.end('no HTTP at all\r\n\r\n')))
    expect(describeFailure(await rejection(ask(url)))).toMatchObject({
      kind: 'may-have-happened',
      verdict: 'failure',
      transient: true,
    })
  })
})

describe('limits and cancellations', () => {
  it('headers that never come may have happened', async () => {
    const url = await listen(() => undefined)
    const dispatcher = new Agent({ headersTimeout: 20 })
    const error = await rejection(undiciRequest(url, { dispatcher }))
    expect(describeFailure(error)).toMatchObject({
      kind: 'may-have-happened',
      transient: true,
      code: 'UND_ERR_HEADERS_TIMEOUT',
    })
    await dispatcher.destroy()
  })

  it.each([
    ['fetch', (url: string, signal: AbortSignal) => fetch(url, { signal })],
    ['axios', (url: string, signal: AbortSignal) => axios.get(url, { signal })],
  ] as const)('%s that is aborted was cancelled', async (_name, ask) => {
    const url = await listen(() => controller.abort())
    const controller = new AbortController()
    expect(describeFailure(await rejection(ask(url, controller.signal)))).toMatchObject({
      kind: 'cancelled',
      verdict: 'neutral',
    })
  })

  it('AbortSignal.timeout is a timeout and no cancellation', async () => {
    const url = await listen(() => undefined)
    const error = await rejection(fetch(url, { signal: AbortSignal.timeout(20) }))
    expect(describeFailure(error)).toMatchObject({ kind: 'may-have-happened', verdict: 'failure', transient: true })
  })

  it('axios’ own timeout may have happened', async () => {
    const url = await listen(() => undefined)
    const error = await rejection(axios.get(url, { timeout: 20 }))
    expect(describeFailure(error)).toMatchObject({ kind: 'may-have-happened', verdict: 'failure', transient: true })
  })
})
