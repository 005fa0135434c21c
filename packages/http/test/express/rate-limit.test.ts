/** What is Express's own; what all frameworks have in common is in ../conformance. */
import { rateLimit } from '@holdfast/http/express'
import { VirtualClock } from '@holdfast/testing'
import express, { type ErrorRequestHandler, type Express, type Request } from 'express'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ask, statusesOf } from '../support/raw-http.ts'

const still = (burstSize: number) => ({ tokensPerSecond: 1, burstSize, clock: new VirtualClock() })

const tellError: ErrorRequestHandler = (error: Error, _request, response, _next) => {
  response.status(500).send(error.message)
}

function listen(app: Express): Promise<number> {
  app.use(tellError)
  return new Promise((resolve, reject) => {
    const server = app.listen(0, '127.0.0.1', (error) => {
      const address = server.address()
      if (error !== undefined || typeof address !== 'object' || address === null) reject(error)
      else resolve(address.port)
    })
    onTestFinished(() => {
      server.close()
      server.closeAllConnections()
    })
  })
}

describe('used twice', () => {
  it('the same one counts once', async () => {
    const app = express()
    const limit = rateLimit(still(2))
    app.use(limit)
    app.get('/', limit, (_request, response) => void response.send('hello'))
    expect(await statusesOf(await listen(app), [{}, {}, {}])).toEqual([200, 200, 429])
  })

  it('two different ones are an error that says what to do', async () => {
    const app = express()
    app.use(rateLimit(still(2)))
    app.use('/report', rateLimit(still(1)))
    app.get('/report', (_request, response) => void response.send('long'))
    const answer = await ask(await listen(app), { path: '/report' })
    expect(answer).toMatchObject({ status: 500, body: expect.stringMatching(/two rateLimit.*routes/) })
  })
})

describe('a route of the table', () => {
  it('is found by its whole path, in a mounted application too', async () => {
    const app = express()
    const inner = express.Router()
    inner.use(rateLimit({ ...still(3), routes: { '/api/report': { cost: 2 } } }))
    inner.get('/report', (_request, response) => void response.send('long'))
    app.use('/api', inner)
    const port = await listen(app)
    const report = { path: '/api/report' }
    expect(await statusesOf(port, [report, report])).toEqual([200, 429])
  })

  it.each(['/REPORT', '/report/', '/report?a=1', 'http://a/report'])(
    'costs what it costs, however the path is written: %s',
    async (path) => {
      const app = express()
      app.use(rateLimit({ ...still(3), routes: { 'GET /report': { cost: 2 } } }))
      app.get('/report', (_request, response) => void response.send('long'))
      const { status, headers } = await ask(await listen(app), { path })
      expect([status, headers.ratelimit]).toEqual([200, '"default";r=1;t=2'])
    },
  )

  it('is exempt only as it is written', async () => {
    const app = express()
    app.use(rateLimit({ ...still(1), routes: { '/healthz': false } }))
    app.get('/healthz', (_request, response) => void response.send('alive'))
    const port = await listen(app)
    const paths = ['/healthz', '/healthz', '/HEALTHZ', '/healthz/'].map((path) => ({ path }))
    expect(await statusesOf(port, paths)).toEqual([200, 200, 200, 429])
  })

  it.each<[object, string]>([
    [{ routes: { '/report': { cost: 4 } } }, 'rateLimit.routes["/report"].cost'],
    [{ routes: { '/report': { cots: 1 } } }, 'rateLimit.routes["/report"].cots'],
    [{ routes: { report: { cost: 1 } } }, 'rateLimit.routes["report"]'],
    [{ routes: [] }, 'rateLimit.routes'],
  ])('is an error when it makes no sense: %j', (options, field) => {
    expect(() => rateLimit({ ...still(3), ...options })).toThrowError(expect.objectContaining({ field }))
  })
})

it('reads the user as other middleware has left it', async () => {
  interface Known extends Request {
    user?: string
  }
  const app = express()
  app.use((request: Known, _response, next) => {
    request.user = request.get('x-token') ?? 'nobody'
    next()
  })
  app.use(
    rateLimit<Known>({
      perClient: { tokensPerSecond: 1, burstSize: 1 },
      clock: new VirtualClock(),
      user: ({ user }) => user,
    }),
  )
  app.get('/', (_request, response) => void response.send('hello'))
  const as = (token: string) => ({ headers: { 'x-token': token } })
  expect(await statusesOf(await listen(app), [as('ada'), as('ada'), as('bob'), {}, {}])).toEqual([
    200, 429, 200, 200, 429,
  ])
})

it('tells clients apart in its own way, also where the same connection leads to two applications', async () => {
  const app = express()
  for (const ipv6PrefixBits of [64, 128]) {
    const perClient = { tokensPerSecond: 1, burstSize: 1 }
    const limit = rateLimit({ perClient, clock: new VirtualClock(), trustProxy: 1, ipv6PrefixBits })
    app.get(`/${ipv6PrefixBits}`, limit, (_request, response) => void response.send('hello'))
  }
  const from = (path: string, address: string) => ({ path, headers: { 'x-forwarded-for': address } })
  const [one, other] = ['2001:db8::1', '2001:db8::2']
  const requests = [from('/64', one), from('/128', one), from('/64', other), from('/128', other), from('/128', one)]
  expect(await statusesOf(await listen(app), requests)).toEqual([200, 200, 429, 200, 429])
})
