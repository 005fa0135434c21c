/** Whose limit a request is taken from, on every framework, over real sockets. */
import { describe, expect, it } from 'vitest'
import { FRAMEWORKS } from '../support/frameworks.ts'
import { stillPerClient } from '../support/limits.ts'
import { ask, exchange, statusesOf, statusLines } from '../support/raw-http.ts'

const with_ = (headers: Record<string, string>) => ({ headers })
const forwarded = (addresses: string) => with_({ 'x-forwarded-for': addresses })

describe.each(FRAMEWORKS)('a client of $name', ({ serve }) => {
  it('is its API key, if that was given out', async () => {
    const known = new Set(['desk-1', 'desk-2'])
    const port = await serve({ limits: { ...stillPerClient(1), apiKeys: (key) => known.has(key) } })
    const keys = ['desk-1', 'desk-1', 'desk-2', 'desk-2'].map((key) => with_({ 'x-api-key': key }))
    expect(await statusesOf(port, [...keys, {}, {}])).toEqual([200, 429, 200, 429, 200, 429])
  })

  it('is nobody any more when its key is taken back, also over the connection that it has', async () => {
    const known = new Set(['desk-1'])
    const port = await serve({ limits: { ...stillPerClient(2), apiKeys: (key) => known.has(key) } })
    const ofDesk = [with_({ 'x-api-key': 'desk-1' })]
    expect(await statusesOf(port, [...ofDesk, {}, {}, {}])).toEqual([200, 200, 200, 429])
    known.clear()
    expect(await statusesOf(port, ofDesk)).toEqual([429])
    known.add('desk-1')
    expect(await statusesOf(port, [...ofDesk, ...ofDesk])).toEqual([200, 429])
  })

  it('is the same over every connection', async () => {
    const port = await serve({ limits: { ...stillPerClient(3), apiKeys: () => true } })
    const long = 'k'.repeat(300)
    const request = (key: string) => `GET / HTTP/1.1\r\nhost: a\r\nx-api-key: ${key}\r\n`
    const pair = (key: string) => `${request(key)}\r\n${request(key)}connection: close\r\n\r\n`
    for (const key of ['desk-1', long]) {
      expect([
        ...statusLines(await exchange(port, pair(key))),
        ...statusLines(await exchange(port, pair(key))),
      ]).toEqual([200, 200, 200, 429])
    }
  })

  it('may carry its key in another header', async () => {
    const port = await serve({ limits: { ...stillPerClient(1), apiKeys: () => true, apiKeyHeader: 'Authorization' } })
    const [a, b] = ['Bearer a', 'Bearer b'].map((authorization) => with_({ authorization }))
    expect(await statusesOf(port, [a ?? {}, a ?? {}, b ?? {}])).toEqual([200, 429, 200])
  })

  it('is its user, if the application knows him and he has no key', async () => {
    const port = await serve({
      limits: { ...stillPerClient(1), apiKeys: (key) => key === 'desk-1', user: (header) => header('x-user') },
    })
    const requests = [
      with_({ 'x-user': 'ada' }),
      with_({ 'x-user': 'ada', 'x-api-key': 'made-up' }),
      with_({ 'x-user': 'bob' }),
      with_({ 'x-user': 'bob', 'x-api-key': 'desk-1' }),
      with_({ 'x-user': '' }),
      {},
    ]
    expect(await statusesOf(port, requests)).toEqual([200, 429, 200, 200, 200, 429])
  })

  it('cannot take the name of another kind of client', async () => {
    const port = await serve({
      limits: { ...stillPerClient(1), apiKeys: () => true, user: (header) => header('x-user') },
    })
    const requests = [
      with_({ 'x-api-key': 'user:ada' }),
      with_({ 'x-user': 'ada' }),
      with_({ 'x-user': 'key:user:ada' }),
      with_({ 'x-api-key': 'address:127.0.0.1' }),
      {},
    ]
    expect(await statusesOf(port, requests)).toEqual([200, 200, 200, 200, 200])
  })

  it('whose name cannot be told is an error of the application', async () => {
    const port = await serve({
      limits: {
        ...stillPerClient(1),
        user: () => {
          throw new Error('the users are away')
        },
      },
    })
    expect((await ask(port)).status).toBe(500)
  })

  it('behind a trusted proxy is the address that the proxy saw, not what it wrote itself', async () => {
    const port = await serve({ limits: { ...stillPerClient(1), trustProxy: 1 } })
    const requests = [
      forwarded('198.51.100.1'),
      forwarded('198.51.100.2'),
      forwarded('203.0.113.1, 198.51.100.1'),
      forwarded('203.0.113.2, 198.51.100.1'),
    ]
    expect(await statusesOf(port, requests)).toEqual([200, 200, 429, 429])
  })

  it('behind proxies that are known by address is the first stranger from the socket on', async () => {
    const port = await serve({ limits: { ...stillPerClient(1), trustProxy: ['127.0.0.0/8', '10.0.0.0/8'] } })
    const requests = [
      forwarded('198.51.100.1, 10.1.2.3'),
      forwarded('203.0.113.9, 198.51.100.1, 10.9.9.9, 10.1.2.3'),
      forwarded('198.51.100.1'),
      forwarded('10.0.0.1, 198.51.100.2'),
      {},
    ]
    expect(await statusesOf(port, requests)).toEqual([200, 429, 429, 200, 200])
  })

  it('that comes round the proxies writes what it likes, and stays its own address', async () => {
    const port = await serve({ limits: { ...stillPerClient(1), trustProxy: ['10.0.0.0/8'] } })
    expect(await statusesOf(port, [forwarded('198.51.100.1'), forwarded('198.51.100.2')])).toEqual([200, 429])
  })

  it('of IPv6 is its /64, or another prefix', async () => {
    const addresses = ['2001:db8:0:1::1', '2001:db8:0:1:ffff::2', '2001:db8:0:2::1', '2001:db8:0:2::1']
    const port = await serve({ limits: { ...stillPerClient(1), trustProxy: 1 } })
    expect(await statusesOf(port, addresses.map(forwarded))).toEqual([200, 429, 200, 429])
    const wide = await serve({ limits: { ...stillPerClient(1), trustProxy: 1, ipv6PrefixBits: 48 } })
    expect(await statusesOf(wide, addresses.map(forwarded))).toEqual([200, 429, 429, 429])
    const narrow = await serve({ limits: { ...stillPerClient(1), trustProxy: 1, ipv6PrefixBits: 128 } })
    expect(await statusesOf(narrow, addresses.map(forwarded))).toEqual([200, 200, 200, 429])
  })
})
