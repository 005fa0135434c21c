/** How many requests are let in, on every framework, over real sockets. */
import { VirtualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import { FRAMEWORKS, type Route } from '../support/frameworks.ts'
import { still, stillPerClient } from '../support/limits.ts'
import { ask, exchange, statusesOf, statusLines } from '../support/raw-http.ts'

const userHeader = (header: (name: string) => string | undefined) => header('x-user')
const by = (user: string, path = '/') => ({ path, headers: { 'x-user': user } })

describe.each(FRAMEWORKS)('$name lets in', ({ serve }) => {
  it('the burst exactly, of requests that come at once', async () => {
    const port = await serve({ limits: still(7) })
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask(port)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(7)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(43)
  })

  it('the burst exactly, of 50 requests in one packet', async () => {
    const port = await serve({ limits: still(7) })
    const request = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'
    const last = 'GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'
    const seen = statusLines(await exchange(port, request.repeat(49) + last))
    expect(seen).toEqual([...new Array(7).fill(200), ...new Array(43).fill(429)])
  })

  it('what comes back with time, and no more', async () => {
    const clock = new VirtualClock()
    const port = await serve({ limits: { tokensPerSecond: 2, burstSize: 3, clock } })
    const six = Array.from({ length: 6 }, () => ({}))
    expect(await statusesOf(port, six)).toEqual([200, 200, 200, 429, 429, 429])
    await clock.advance(1_000)
    expect(await statusesOf(port, six)).toEqual([200, 200, 429, 429, 429, 429])
  })

  it('each client by its own limit, and all together by theirs; what one refuses takes nothing from the other', async () => {
    const perClient = { tokensPerSecond: 1, burstSize: 2 }
    const port = await serve({
      limits: { tokensPerSecond: 1, burstSize: 5, perClient, clock: new VirtualClock(), user: userHeader },
    })
    const seen = await statusesOf(port, [
      by('ada'),
      by('ada'),
      // Turned away by its own limit: costs the others nothing.
      by('ada'),
      by('ada'),
      by('bob'),
      by('bob'),
      by('cai'),
      // Turned away by the limit for all: its own token is still there …
      by('cai'),
    ])
    expect(seen).toEqual([200, 200, 429, 429, 200, 200, 200, 429])
  })

  it('by several limits at once: 2 a second and 3 in 96 seconds', async () => {
    const clock = new VirtualClock()
    const perClient = [
      { tokensPerSecond: 2, burstSize: 2 },
      { tokensPerSecond: 3 / 96, burstSize: 3 },
    ]
    const port = await serve({ limits: { perClient, clock } })
    expect(await statusesOf(port, [{}, {}, {}])).toEqual([200, 200, 429])
    await clock.advance(1_000)
    const [third, fourth] = [await ask(port), await ask(port)]
    expect([third.status, fourth.status]).toEqual([200, 429])
    expect(fourth.headers).toMatchObject({
      ratelimit: '"client-2";r=0;t=31',
      'ratelimit-policy': '"client";q=2;w=1, "client-2";q=3;w=96',
      'retry-after': '31',
    })
  })

  it('requests at what their route costs', async () => {
    const routes: Route[] = [
      { method: 'GET', path: '/report', limit: { cost: 4 }, answer: () => 'long' },
      { method: 'GET', path: '/orders/:id', limit: { cost: 2 }, answer: () => 'order' },
    ]
    const port = await serve({ limits: still(10), routes })
    const left: unknown[] = []
    for (const path of ['/report', '/orders/7?by=id', '/']) left.push((await ask(port, { path })).headers.ratelimit)
    expect(left).toEqual(['"default";r=6;t=4', '"default";r=4;t=6', '"default";r=3;t=7'])
    const head = await ask(port, { path: '/orders/7', method: 'HEAD' })
    expect(head.headers.ratelimit).toBe('"default";r=1;t=9')
  })

  it('requests to a route with limits of its own by those alone', async () => {
    const own = { perClient: { tokensPerSecond: 1, burstSize: 1 } }
    const routes: Route[] = [{ method: 'POST', path: '/orders', limit: own, answer: () => 'placed' }]
    const port = await serve({ limits: still(2), routes })
    const order = { path: '/orders', method: 'POST' }
    expect(await statusesOf(port, [order, order, {}, {}, {}])).toEqual([200, 429, 200, 200, 429])
  })

  it('every request to an exempt route, which is told nothing of limits', async () => {
    const routes: Route[] = [{ method: 'GET', path: '/healthz', limit: false, answer: () => 'alive' }]
    const port = await serve({ limits: still(1), routes })
    await ask(port)
    const answer = await ask(port, { path: '/healthz' })
    expect(answer).toMatchObject({ status: 200, body: 'alive' })
    expect(answer.headers).not.toHaveProperty('ratelimit')
    expect(await statusesOf(port, [{}])).toEqual([429])
  })

  it.each([
    ['GET', '/nowhere', 404],
    ['HEAD', '/', 200],
    ['DELETE', '/nowhere', 404],
    ['POST', '/nowhere', 404],
  ])('%s %s once, if it lets in one', async (method, path, status) => {
    const port = await serve({ limits: still(1) })
    expect(
      await statusesOf(port, [
        { method, path },
        { method, path },
      ]),
    ).toEqual([status, 429])
  })

  it('OPTIONS once, if it lets in one', async () => {
    const port = await serve({ limits: still(1) })
    const [first, second] = await statusesOf(port, [{ method: 'OPTIONS' }, { method: 'OPTIONS' }])
    expect(first).not.toBe(429)
    expect(second).toBe(429)
  })

  it('API keys that were given out by the limits that they have', async () => {
    const apiKeys = { 'desk-1': { tokensPerSecond: 1, burstSize: 3 }, 'desk-2': true } as const
    const port = await serve({ limits: { ...stillPerClient(1), apiKeys } })
    const key = (apiKey: string) => ({ headers: { 'x-api-key': apiKey } })
    const keys = ['desk-1', 'desk-1', 'desk-1', 'desk-1', 'desk-2', 'desk-2', 'made-up', 'also-made-up']
    expect(await statusesOf(port, keys.map(key))).toEqual([200, 200, 200, 429, 200, 429, 200, 429])
  })
})
