/** What is Hono's own; what all frameworks have in common is in ../conformance. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type HonoRateLimitOptions, rateLimit } from '@holdfast/http/hono'
import { VirtualClock } from '@holdfast/testing'
import { getRequestListener } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { type Context, Hono } from 'hono'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ask } from '../support/raw-http.ts'

const still = (burstSize: number) => ({ tokensPerSecond: 1, burstSize, clock: new VirtualClock() })

/** An application on no runtime in particular. */
function application(options: HonoRateLimitOptions): Hono {
  const app = new Hono()
  app.use(rateLimit(options))
  return app
}

async function listen(app: Hono): Promise<number> {
  const server = createServer(getRequestListener(app.fetch)).listen(0, '127.0.0.1')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  await once(server, 'listening')
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port')
  return address.port
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

describe("the headers are on every kind of answer of Node's, and what else was set stays", () => {
  const own = { 'X-Own': 'kept' }
  const stream = (): ReadableStream => new Blob(['hello']).stream()
  it.each<[what: string, answer: (context: Context) => Response | Promise<Response>, status: number]>([
    ['text', (context) => context.text('hello', 200, own), 200],
    ['an answer made by hand', () => new Response('hello', { headers: own }), 200],
    ['one without headers', () => new Response('hello'), 200],
    ['one whose headers are a list', () => new Response('hello', { headers: [['x-own', 'kept']] }), 200],
    ['a stream', () => new Response(stream(), { headers: own }), 200],
    ['one without a body', () => new Response(null, { status: 204, headers: own }), 204],
    ['one that nobody made', (context) => context.notFound(), 404],
    ['an error', () => Promise.reject(new Error('broken')), 500],
    [
      "Node's own, with headers as a list",
      ({ env }) => {
        env.outgoing.writeHead(201, 'Made', ['x-own', 'kept'])
        env.outgoing.end('hello')
        return RESPONSE_ALREADY_SENT
      },
      201,
    ],
    [
      "Node's own, without a head",
      ({ env }) => {
        env.outgoing.setHeader('x-own', 'kept')
        env.outgoing.end('hello')
        return RESPONSE_ALREADY_SENT
      },
      200,
    ],
  ])('%s', async (_what, answer, status) => {
    const app = application({ ...still(9), routes: { '/exempt': false } })
    app.get('/', answer)
    app.get('/exempt', answer)
    app.onError((_error, context) => context.text('broken', 500))
    const port = await listen(app)
    const limited = await ask(port)
    const exempt = await ask(port, { path: '/exempt' })
    const { ratelimit, 'ratelimit-policy': policy, ...others } = limited.headers
    expect([limited.status, ratelimit, policy]).toEqual([status, '"default";r=8;t=1', '"default";q=9;w=9'])
    expect({ ...limited, headers: { ...others, date: '' } }).toEqual({
      ...exempt,
      headers: { ...exempt.headers, date: '' },
    })
  })
})

describe('the address of a client', () => {
  const outgoing = { writeHead: () => undefined }
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
