/** What is Hono's own; what all frameworks have in common is in ../conformance. */
import { type HonoRateLimitOptions, rateLimit } from '@holdfast/http/hono'
import { VirtualClock } from '@holdfast/testing'
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'

const still = (burstSize: number) => ({ tokensPerSecond: 1, burstSize, clock: new VirtualClock() })

/** An application on no runtime in particular. */
function application(options: HonoRateLimitOptions): Hono {
  const app = new Hono()
  app.use(rateLimit(options))
  return app
}

async function statuses(
  app: Hono,
  requests: readonly [path: string, env?: object, init?: RequestInit][],
): Promise<number[]> {
  const seen: number[] = []
  for (const [path, env, init] of requests) seen.push((await app.request(path, init, env)).status)
  return seen
}

describe('used twice', () => {
  it('the same one counts once', async () => {
    const app = new Hono()
    const limit = rateLimit(still(2))
    app.use(limit)
    app.get('/', limit, (context) => context.text('hello'))
    expect(await statuses(app, [['/'], ['/'], ['/']])).toEqual([200, 200, 429])
  })

  it('two different ones are an error that says what to do', async () => {
    const app = application(still(2))
    app.use(rateLimit(still(1)))
    app.get('/', (context) => context.text('hello'))
    app.onError((error, context) => context.text(error.message, 500))
    const answer = await app.request('/')
    expect([answer.status, await answer.text()]).toEqual([500, expect.stringMatching(/two rateLimit.*routes/)])
  })
})

describe('the headers are on every kind of answer', () => {
  it.each([
    ['one made by the context', (app: Hono) => app.get('/', (context) => context.json({ quotes: [] }))],
    ['one made by hand', (app: Hono) => app.get('/', () => new Response('by hand'))],
    [
      'one that came from elsewhere and cannot be changed',
      (app: Hono) => app.get('/', () => Response.redirect('http://a/')),
    ],
    [
      'an error',
      (app: Hono) => app.get('/', () => Promise.reject(new Error('broken'))).onError((_e, c) => c.text('', 500)),
    ],
    ['not found', (app: Hono) => app],
  ])('%s', async (_what, add) => {
    const app = application(still(2))
    add(app)
    const { headers } = await app.request('/')
    expect([headers.get('ratelimit'), headers.get('ratelimit-policy')]).toEqual([
      '"default";r=1;t=1',
      '"default";q=2;w=2',
    ])
  })
})

describe('the address of a client', () => {
  const outgoing = { setHeader: () => undefined }
  const perClient = { perClient: { tokensPerSecond: 1, burstSize: 1 }, clock: new VirtualClock() }

  it.each<[runtime: string, envOf: (address: string) => object]>([
    ['Node', (address: string) => ({ incoming: { socket: { remoteAddress: address } }, outgoing })],
    [
      'Node, with an env of its own',
      (address: string) => ({ server: { incoming: { socket: { remoteAddress: address } }, outgoing } }),
    ],
    ['Deno', (address: string) => ({ remoteAddr: { hostname: address, port: 1, transport: 'tcp' } })],
    ['Bun', (address: string) => ({ requestIP: () => ({ address, port: 1, family: 'IPv4' }) })],
    ['Bun, with an env of its own', (address: string) => ({ server: { requestIP: () => ({ address }) } })],
  ])('is what %s says', async (_runtime, envOf) => {
    const app = application(perClient)
    app.get('/', (context) => context.text('hello'))
    const from = (address: string): [string, object] => ['/', envOf(address)]
    expect(await statuses(app, [from('192.0.2.1'), from('192.0.2.1'), from('192.0.2.2')])).toEqual([200, 429, 200])
  })

  it("is what Cloudflare's edge says, which nobody else can: the runtime marks its requests", async () => {
    const app = application(perClient)
    app.get('/', (context) => context.text('hello'))
    const from = (address: string, cf?: object) =>
      app.fetch(Object.assign(new Request('http://a/', { headers: { 'cf-connecting-ip': address } }), cf && { cf }))
    const seen = [await from('192.0.2.1', {}), await from('192.0.2.1', {}), await from('192.0.2.2', {})]
    expect(seen.map(({ status }) => status)).toEqual([200, 429, 200])
    const elsewhere = [await from('192.0.2.3'), await from('192.0.2.4')]
    expect(elsewhere.map(({ status }) => status)).toEqual([200, 429])
  })

  it('is what the application says', async () => {
    const app = application({ ...perClient, address: ({ req }) => req.header('x-real-peer') })
    app.get('/', (context) => context.text('hello'))
    const from = (peer: string): [string, object, RequestInit] => ['/', {}, { headers: { 'x-real-peer': peer } }]
    expect(await statuses(app, [from('192.0.2.1'), from('192.0.2.1'), from('192.0.2.2')])).toEqual([200, 429, 200])
  })

  it('is one for all where nobody says it', async () => {
    const app = application(perClient)
    app.get('/', (context) => context.text('hello'))
    expect(await statuses(app, [['/'], ['/']])).toEqual([200, 429])
  })
})

it('a route costs what it costs, also written with escapes, which the router takes', async () => {
  const app = application({ ...still(9), routes: { 'GET /report': { cost: 4 } } })
  app.get('/report', (context) => context.text('long'))
  const { status, headers } = await app.request('/%72eport?a=1')
  expect([status, headers.get('ratelimit')]).toEqual([200, '"default";r=5;t=4'])
})
