import { rateLimit } from '@holdfast/http/fastify'
import { VirtualClock } from '@holdfast/testing'
import { fastify } from 'fastify'
import { describe, expect, it } from 'vitest'
import { exchange, serve, statuses, statusesOf } from './support.ts'

/** A limit whose time stands still. */
const still = (burstSize: number) => ({ tokensPerSecond: 1, burstSize, clock: new VirtualClock() })
const stillPerClient = (burstSize: number) => ({
  perClient: { tokensPerSecond: 1, burstSize },
  clock: new VirtualClock(),
})

describe('how many are admitted', () => {
  it('is the burst exactly, of requests that come at once', async () => {
    const { url } = await serve(still(7))
    const answers = await Promise.all(Array.from({ length: 50 }, () => fetch(url)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(7)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(43)
  })

  it('is the burst exactly, of 50 requests in one packet', async () => {
    const { port } = await serve(still(7))
    const request = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'
    const last = 'GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'
    const seen = statusesOf(await exchange(port, request.repeat(49) + last))
    expect(seen).toEqual([...new Array(7).fill(200), ...new Array(43).fill(429)])
  })

  it('is one more for a client that comes back when Retry-After says', async () => {
    const clock = new VirtualClock()
    const { url } = await serve({ tokensPerSecond: 0.3, burstSize: 1, clock })
    await fetch(url)
    const refused = await fetch(url)
    expect(refused.status).toBe(429)
    await clock.advance(Number(refused.headers.get('retry-after')) * 1_000)
    expect((await fetch(url)).status).toBe(200)
  })
})

describe('an answer', () => {
  it('says what is left, whatever it is', async () => {
    const { url } = await serve(still(10), {
      add: (app) => {
        app.get('/broken', () => Promise.reject(new Error('broken')))
      },
    })
    const headers: unknown[] = []
    for (const path of ['/', '/broken', '/nowhere']) {
      const answer = await fetch(new URL(path, url))
      headers.push([answer.status, answer.headers.get('ratelimit'), answer.headers.get('ratelimit-policy')])
    }
    expect(headers).toEqual([
      [200, '"default";r=9;t=1', '"default";q=10;w=10'],
      [500, '"default";r=8;t=2', '"default";q=10;w=10'],
      [404, '"default";r=7;t=3', '"default";q=10;w=10'],
    ])
  })

  it('of 429 is problem+json with Retry-After', async () => {
    const { url } = await serve(stillPerClient(1))
    await fetch(url)
    const answer = await fetch(url)
    expect(answer.status).toBe(429)
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
    expect(answer.headers.get('retry-after')).toBe('1')
    expect(answer.headers.get('ratelimit')).toBe('"default";r=0;t=1')
    expect(await answer.json()).toEqual({
      type: 'urn:holdfast:too-many-requests',
      title: 'Too many requests',
      status: 429,
      detail: 'your limit of 1 requests at once is used up; come back in 1 s',
      retryAfter: 1,
    })
  })

  it('of 429 comes before the route has run', async () => {
    let ran = 0
    const { url } = await serve(still(1), {
      add: (app) => {
        app.post('/orders', () => ++ran)
      },
    })
    const post = () =>
      fetch(new URL('/orders', url), { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } })
    expect([(await post()).status, (await post()).status, ran]).toEqual([200, 429, 1])
  })
})

describe('every route is limited', () => {
  it.each([
    ['GET', '/nowhere', 404],
    ['HEAD', '/', 200],
    ['OPTIONS', '/', 404],
    ['DELETE', '/', 404],
  ])('%s %s', async (method, path, status) => {
    const { url } = await serve(still(1))
    const ask = () => fetch(new URL(path, url), { method })
    expect([(await ask()).status, (await ask()).status]).toEqual([status, 429])
  })

  it('also where the application has its own answer to what it does not know', async () => {
    const { url } = await serve(still(1), {
      add: (app) => {
        app.setNotFoundHandler((_request, reply) => reply.code(404).send('mine'))
      },
    })
    const ask = () => fetch(new URL('/nowhere', url))
    expect([(await ask()).status, (await ask()).status]).toEqual([404, 429])
  })

  it('but one that is exempt, which is told nothing of limits', async () => {
    const { url } = await serve(still(1), {
      add: (app) => {
        app.get('/healthz', { config: { rateLimit: false } }, () => 'alive')
      },
    })
    await fetch(url)
    const answer = await fetch(new URL('/healthz', url))
    expect([answer.status, answer.headers.get('ratelimit')]).toEqual([200, null])
  })

  it('and one that costs more takes more', async () => {
    const { url } = await serve(still(10), {
      add: (app) => {
        app.get('/report', { config: { rateLimit: { cost: 4 } } }, () => 'long')
      },
    })
    const answer = await fetch(new URL('/report', url))
    expect(answer.headers.get('ratelimit')).toBe('"default";r=6;t=4')
  })
})

describe('a client', () => {
  it('is its API key', async () => {
    const { url } = await serve(stillPerClient(1))
    const [a, b] = [{ 'x-api-key': 'desk-1' }, { 'x-api-key': 'desk-2' }]
    expect(await statuses(url, [a, a, b, b, {}, {}])).toEqual([200, 429, 200, 429, 200, 429])
  })

  it('may have a key of 64 kB, or one that is called __proto__', async () => {
    const { url } = await serve(stillPerClient(1), { server: { http: { maxHeaderSize: 131_072 } } })
    const long = 'x'.repeat(65_536)
    const keys = [`${long}a`, `${long}a`, `${long}b`, '__proto__', '__proto__', 'constructor']
    const seen = await statuses(
      url,
      keys.map((key) => ({ 'x-api-key': key })),
    )
    expect(seen).toEqual([200, 429, 200, 200, 429, 200])
  })

  it('without a key is the address of its socket, whatever it writes into headers', async () => {
    const { url } = await serve(stillPerClient(1))
    const spoofed = [1, 2, 3].map((host) => ({
      'x-forwarded-for': `203.0.113.${host}`,
      'x-real-ip': `203.0.113.${host}`,
      forwarded: `for=203.0.113.${host}`,
    }))
    expect(await statuses(url, spoofed)).toEqual([200, 429, 429])
  })

  it('behind a trusted proxy is the address that the proxy saw, not what the client wrote itself', async () => {
    const { url } = await serve({ ...stillPerClient(1), trustProxy: 1 })
    const seen = (forwardedFor: string) => ({ 'x-forwarded-for': forwardedFor })
    const requests = [
      seen('198.51.100.1'),
      seen('198.51.100.2'),
      seen('203.0.113.1, 198.51.100.1'),
      seen('203.0.113.2, 198.51.100.1'),
    ]
    expect(await statuses(url, requests)).toEqual([200, 200, 429, 429])
  })

  it('of IPv6 is its /64, whatever the zone', async () => {
    const { url } = await serve({ ...stillPerClient(1), trustProxy: 1 })
    const addresses = ['fe80::1%eth0', 'fe80::2%eth1', '2001:db8:0:1::1', '2001:db8:0:1:ffff::2', '2001:db8:0:2::1']
    const seen = await statuses(
      url,
      addresses.map((address) => ({ 'x-forwarded-for': address })),
    )
    expect(seen).toEqual([200, 429, 200, 429, 200])
  })

  it('is whom the application says it is', async () => {
    const { url } = await serve({
      ...stillPerClient(1),
      clientKey: ({ headers }) => (typeof headers['x-user'] === 'string' ? headers['x-user'] : undefined),
    })
    const requests = [
      { 'x-user': 'ada', 'x-api-key': '1' },
      { 'x-user': 'ada', 'x-api-key': '2' },
      { 'x-api-key': '2' },
    ]
    expect(await statuses(url, requests)).toEqual([200, 429, 200])
  })
})

describe('onLimited', () => {
  it('is told of each request that is turned away', async () => {
    const told: unknown[] = []
    const { url } = await serve({ ...still(1), onLimited: (limited) => void told.push(limited) })
    await statuses(`${url}/?a=1`, [{ 'x-api-key': 'desk-1' }, { 'x-api-key': 'desk-2' }])
    expect(told).toEqual([{ client: 'key:desk-2', method: 'GET', url: '/?a=1' }])
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('pager is down')
      },
    ],
    ['rejects', () => Promise.reject(new Error('pager is down'))],
  ])('changes nothing when it %s', async (_how, onLimited) => {
    const lines: string[] = []
    const stream = { write: (line: string) => void lines.push(line) }
    const { url } = await serve({ ...still(1), onLimited }, { server: { logger: { level: 'error', stream } } })
    expect(await statuses(url, [{}, {}])).toEqual([200, 429])
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ err: { message: 'pager is down' } }])
  })
})

describe('mistakes are errors before the first request', () => {
  it('registering it twice', async () => {
    const app = fastify()
    await app.register(rateLimit, { tokensPerSecond: 1 })
    await expect(async () => await app.register(rateLimit, { tokensPerSecond: 1 })).rejects.toThrow(
      /registered twice.*remove one/,
    )
  })

  it.each([
    [{}, 'rateLimiter.tokensPerSecond'],
    [{ tokensPerSecond: -1 }, 'rateLimiter.tokensPerSecond'],
    [{ tokensPerSecond: 1, trustProxy: 1.5 }, 'rateLimit.trustProxy'],
    [{ tokensPerSecond: 1, trustProxy: -1 }, 'rateLimit.trustProxy'],
  ])('options like %o', async (options, field) => {
    await expect(async () => await fastify().register(rateLimit, options)).rejects.toMatchObject({
      code: 'HOLDFAST_INVALID_OPTION',
      field,
    })
  })

  it('an option that does not exist', async () => {
    const misspelt = { tokensPerSecond: 1, perclient: { tokensPerSecond: 1 } }
    await expect(async () => await fastify().register(rateLimit, misspelt)).rejects.toThrow(/did you mean perClient/)
  })

  it("but not options of Fastify's own", async () => {
    const app = fastify()
    await app.register(rateLimit, { tokensPerSecond: 1, logLevel: 'warn' })
    await app.ready()
  })

  it('a route that nobody could ever pay', async () => {
    const app = fastify()
    await app.register(rateLimit, { tokensPerSecond: 1, burstSize: 2 })
    expect(() => app.get('/report', { config: { rateLimit: { cost: 3 } } }, () => 'long')).toThrowError(
      expect.objectContaining({ field: 'GET /report config.rateLimit.cost', value: 3 }),
    )
  })
})
