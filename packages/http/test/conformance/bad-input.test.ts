/** What clients send that nobody should, on every framework, over real sockets. */
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { FRAMEWORKS, type Route } from '../support/frameworks.ts'
import { still, stillPerClient } from '../support/limits.ts'
import { ask, exchange, statusesOf, statusLines } from '../support/raw-http.ts'

const apiKey = (key: string) => ({ headers: { 'x-api-key': key } })
const forwarded = (addresses: string) => ({ headers: { 'x-forwarded-for': addresses } })
const ROOMY = { maxHeaderSize: 262_144 }

/** Sends the beginning of a request and hangs up. */
function hangUpAfter(port: number, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text, () => socket.destroy()))
    socket.on('error', reject).on('close', () => resolve())
  })
}

describe.each(FRAMEWORKS)('$name and bad input', ({ serve }) => {
  it('a client that writes X-Forwarded-For, X-Real-IP and Forwarded itself stays its own address', async () => {
    const port = await serve({ limits: stillPerClient(1) })
    const spoofed = [1, 2, 3].map((host) => ({
      headers: {
        'x-forwarded-for': `203.0.113.${host}`,
        'x-real-ip': `203.0.113.${host}`,
        forwarded: `for=203.0.113.${host}`,
      },
    }))
    expect(await statusesOf(port, spoofed)).toEqual([200, 429, 429])
  })

  it('a fragment, which has no business there, makes no route cheaper', async () => {
    const routes: Route[] = [{ method: 'GET', path: '/report', limit: { cost: 4 }, answer: () => 'long' }]
    const port = await serve({ limits: still(10), routes })
    const answer = await exchange(port, 'GET /report#x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
    expect(statusLines(answer)).toEqual([200])
    expect(answer.toLowerCase()).toContain('ratelimit: "default";r=6;')
  })

  it('a path that is written in another way than its exempt pattern is limited', async () => {
    const routes: Route[] = [{ method: 'GET', path: '/files/:name', limit: false, answer: () => 'file' }]
    const port = await serve({ limits: still(10), routes })
    expect((await ask(port, { path: '/files/A' })).headers).not.toHaveProperty('ratelimit')
    expect((await ask(port, { path: '/FILES/A' })).headers).toHaveProperty('ratelimit')
  })

  it('an address with a port is the address', async () => {
    const port = await serve({ limits: { ...stillPerClient(1), trustProxy: 1 } })
    const addresses = ['198.51.100.1:50001', '198.51.100.1:50002', '[2001:db8::1]:443', '[2001:db8::1]', '2001:db8::2']
    expect(await statusesOf(port, addresses.map(forwarded))).toEqual([200, 429, 200, 429, 429])
  })

  it('of a thousand forwarded hops only the trusted ones are read', async () => {
    const hops = (count: number) => `${'203.0.113.7, '.repeat(count)}198.51.100.1`
    const port = await serve({ limits: { ...stillPerClient(1), trustProxy: 1 }, server: ROOMY })
    expect(await statusesOf(port, [forwarded(hops(999)), forwarded(hops(998)), forwarded(hops(0))])).toEqual([
      200, 429, 429,
    ])
    const lists = await serve({
      limits: { ...stillPerClient(1), trustProxy: ['127.0.0.1', '10.0.0.0/8'] },
      server: ROOMY,
    })
    const trusted = `198.51.100.1, ${'10.0.0.1, '.repeat(999)}10.0.0.2`
    expect(await statusesOf(lists, [forwarded(trusted), forwarded(trusted)])).toEqual([200, 429])
  })

  it('keys and Host of 64 kB are told apart', async () => {
    const port = await serve({ limits: { ...stillPerClient(1), apiKeys: () => true }, server: ROOMY })
    const long = 'x'.repeat(65_536)
    expect(await statusesOf(port, [`${long}a`, `${long}a`, `${long}b`].map(apiKey))).toEqual([200, 429, 200])
    const { status } = await ask(port, { headers: { host: `${'h'.repeat(65_000)}.example` } })
    expect([200, 400]).toContain(status)
    expect(await statusesOf(port, [{}])).toEqual([429])
  })

  it('headers beyond what the server takes are turned away before anything else', async () => {
    const port = await serve({ limits: stillPerClient(1) })
    const answer = await exchange(port, `GET / HTTP/1.1\r\nhost: a\r\nx-api-key: ${'x'.repeat(20_000)}\r\n\r\n`)
    expect(statusLines(answer)).toEqual([431])
    expect(await statusesOf(port, [{}])).toEqual([200])
  })

  it('a key may be called __proto__, constructor or toString', async () => {
    const port = await serve({ limits: { ...stillPerClient(1), apiKeys: () => true } })
    const keys = ['__proto__', '__proto__', 'constructor', 'constructor', 'toString', 'hasOwnProperty', '__proto__']
    expect(await statusesOf(port, keys.map(apiKey))).toEqual([200, 429, 200, 429, 200, 200, 429])
  })

  it('and is not known because every object has such a property', async () => {
    const limits = { ...stillPerClient(1), apiKeys: { 'desk-1': true } } as const
    const port = await serve({ limits })
    expect(await statusesOf(port, ['__proto__', 'constructor', 'toString'].map(apiKey))).toEqual([200, 429, 429])
  })

  it('an IPv6 zone is none of the address', async () => {
    const port = await serve({ limits: { ...stillPerClient(1), trustProxy: 1 } })
    const addresses = ['fe80::1%eth0', 'fe80::2%eth1', '[fe80::3%25wlan0]:80']
    expect(await statusesOf(port, addresses.map(forwarded))).toEqual([200, 429, 429])
  })

  it('what is no address is the address of the proxy that said so', async () => {
    const port = await serve({ limits: { ...stillPerClient(1), trustProxy: 1 } })
    const addresses = ['unknown', '_hidden', '300.1.1.1', '1.2.3', 'x'.repeat(5_000), ',', '192.0.2.1 192.0.2.2']
    const seen = await statusesOf(port, addresses.map(forwarded))
    expect(seen).toEqual([200, ...new Array(addresses.length - 1).fill(429)])
  })

  it('keys that are made up are one client: its address', async () => {
    const port = await serve({ limits: { ...stillPerClient(3), apiKeys: { 'desk-1': true } } })
    const requests = Array.from({ length: 500 }, (_, key) => `GET / HTTP/1.1\r\nhost: a\r\nx-api-key: k-${key}\r\n\r\n`)
    const last = 'GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'
    const seen = statusLines(await exchange(port, requests.join('') + last))
    expect(seen.filter((status) => status === 200)).toHaveLength(3)
    expect(seen).toHaveLength(501)
    expect(await statusesOf(port, [apiKey('desk-1')])).toEqual([200])
  })

  it('a crowd of clients frees none that is over its limit', async () => {
    const limits = {
      ...stillPerClient(1),
      maxClients: 50,
      user: (header: (name: string) => string | undefined) => header('x-user'),
    }
    const port = await serve({ limits })
    const offender = { headers: { 'x-user': 'offender' } }
    await ask(port, offender)
    const crowd = Array.from({ length: 1_000 }, (_, user) => `GET / HTTP/1.1\r\nhost: a\r\nx-user: u-${user}\r\n\r\n`)
    const last = 'GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'
    await exchange(port, crowd.join('') + last)
    expect(await statusesOf(port, [offender])).toEqual([429])
  })

  it('requests in one packet are let in up to the limit exactly, whatever their methods', async () => {
    const port = await serve({ limits: still(5) })
    const methods = ['GET', 'HEAD', 'OPTIONS', 'GET', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'GET', 'GET']
    const text = methods.map((method, index) => {
      const closing = index === methods.length - 1 ? 'connection: close\r\n' : ''
      return `${method} / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n${closing}\r\n`
    })
    const seen = statusLines(await exchange(port, text.join('')))
    expect(seen.slice(0, 5)).not.toContain(429)
    expect(seen.slice(5)).toEqual([429, 429, 429, 429, 429])
  })

  it('a body that is broken off costs its token and nothing else', async () => {
    const routes: Route[] = [{ method: 'POST', path: '/orders', answer: (body) => `placed ${body}` }]
    const port = await serve({ limits: still(3), routes })
    await hangUpAfter(port, 'POST /orders HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n{"symbol"')
    await hangUpAfter(port, 'POST /orders HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n40\r\n{"sym')
    const order = { method: 'POST', path: '/orders', body: 'buy' }
    const seen = await statusesOf(port, [order, order])
    expect(seen).toEqual([200, 429])
  })

  it('a request that never becomes one costs nothing', async () => {
    const port = await serve({ limits: still(1) })
    await hangUpAfter(port, 'GET / HTTP/1.1\r\nhost: a\r\nx-half: ')
    await exchange(port, 'BREW / HTTP/9.9\r\n\r\n')
    expect(await statusesOf(port, [{}])).toEqual([200])
  })

  it('a request for another protocol is a request', async () => {
    const port = await serve({ limits: still(1) })
    const upgrade = 'GET / HTTP/1.1\r\nhost: a\r\nconnection: close, upgrade\r\nupgrade: websocket\r\n\r\n'
    const seen = [...statusLines(await exchange(port, upgrade)), ...statusLines(await exchange(port, upgrade))]
    expect(seen).toEqual([200, 429])
  })
})
