/** Bodies that are too large, and clients that are too slow, on every framework, over real sockets. */
import { connect } from 'node:net'
import { limitSlowClients } from '@holdfast/http/node'
import { describe, expect, it, onTestFinished } from 'vitest'
import { FRAMEWORKS, type Route } from '../support/frameworks.ts'
import { ask, exchange, statusesOf, statusLines } from '../support/raw-http.ts'

const ORDERS: Route = { method: 'POST', path: '/orders', answer: (body) => `${body.length} characters` }
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`

/** What comes back over a connection that sends text and then nothing more, until the other side closes. */
function waitOn(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    onTestFinished(() => void socket.destroy())
    let answer = ''
    socket.setEncoding('utf8').on('data', (received) => {
      answer += received
    })
    socket.on('close', () => resolve(answer)).on('error', reject)
  })
}

describe.each(FRAMEWORKS)('a body on $name', ({ serve }) => {
  it('beyond the limit is answered 413 with a problem, and the next request is served', async () => {
    const port = await serve({ routes: [ORDERS], bodyLimit: 1_000 })
    const { status, body } = await ask(port, { method: 'POST', path: '/orders', body: 'x'.repeat(1_001) })
    expect([status, JSON.parse(body)]).toEqual([413, expect.objectContaining({ type: 'urn:holdfast:invalid-request' })])
    const whole = await ask(port, { method: 'POST', path: '/orders', body: 'x'.repeat(1_000) })
    expect(whole).toMatchObject({ status: 200, body: '1000 characters' })
  })

  it('beyond the limit that does not say how long it is is cut off there', async () => {
    const port = await serve({ routes: [ORDERS], bodyLimit: 1_000 })
    const head = 'POST /orders HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n'
    const answer = await exchange(port, `${head}${chunk('x'.repeat(600)).repeat(2)}${chunk('')}`)
    expect(statusLines(answer)).toEqual([413])
  })

  it('that never ends is answered 408, and the connection closed', async () => {
    const port = await serve({
      routes: [ORDERS],
      server: limitSlowClients({ headersTimeoutMs: 200, requestTimeoutMs: 200 }),
    })
    const answer = await waitOn(port, 'POST /orders HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nhalf')
    expect(statusLines(answer)).toEqual([408])
    expect(answer).toContain('urn:holdfast:invalid-request')
  })
})

describe.each(FRAMEWORKS)('headers on $name', ({ serve }) => {
  it('that never end are answered 408, and the connection closed', async () => {
    const port = await serve({ server: limitSlowClients({ headersTimeoutMs: 100, requestTimeoutMs: 60_000 }) })
    const answer = await waitOn(port, 'GET / HTTP/1.1\r\nhost: a\r\nx-slow: ')
    expect(statusLines(answer)).toEqual([408])
    expect(await statusesOf(port, [{}])).toEqual([200])
  })

  it.each([
    ['no HTTP at all', 'BREW / HTTP/9.9\r\n\r\n', 400],
    ['two lengths', 'GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n', 400],
    [
      'a length and chunks',
      'GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
      400,
    ],
    ['too much', `GET / HTTP/1.1\r\nhost: a\r\nx-long: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ])('that are %s are answered with a problem', async (_what, text, status) => {
    const answer = await exchange(await serve({}), text)
    expect(statusLines(answer)).toEqual([status])
    expect(answer).toMatch(/content-type: application\/problem\+json\r\n/)
  })
})

it('an option of limitSlowClients that makes no sense is an error', () => {
  expect(() => limitSlowClients({ headersTimeoutMs: 0 })).toThrowError(
    expect.objectContaining({ field: 'limitSlowClients.headersTimeoutMs' }),
  )
})
