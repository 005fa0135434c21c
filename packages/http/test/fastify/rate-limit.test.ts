/** What is Fastify's own; what all frameworks have in common is in ../conformance. */
import { rateLimit } from '@holdfast/http/fastify'
import { VirtualClock } from '@holdfast/testing'
import { fastify } from 'fastify'
import { describe, expect, it } from 'vitest'

const still = { tokensPerSecond: 1, burstSize: 2, clock: new VirtualClock() }

describe('mistakes are errors before the first request', () => {
  it('registering it twice', async () => {
    const app = fastify()
    await app.register(rateLimit, still)
    await expect(async () => await app.register(rateLimit, still)).rejects.toThrow(/registered twice.*remove one/)
  })

  it('registering it twice by way of a plugin', async () => {
    const app = fastify()
    await app.register(rateLimit, still)
    const inner = app.register(async (scope) => {
      await scope.register(rateLimit, still)
    })
    await expect(async () => await inner).rejects.toThrow(/registered twice/)
  })

  it.each([
    [{}, 'rateLimiter.tokensPerSecond'],
    [{ tokensPerSecond: -1 }, 'rateLimit.tokensPerSecond'],
    [{ tokensPerSecond: 1, trustProxy: 1.5 }, 'rateLimit.trustProxy'],
    [{ tokensPerSecond: 1, trustProxy: ['everybody'] }, 'rateLimit.trustProxy[0]'],
    [{ tokensPerSecond: 1, apiKeyHeader: 'no header' }, 'rateLimit.apiKeyHeader'],
    [{ tokensPerSecond: 1, apiKeys: { 'desk-1': { tokensPerSecond: 0 } } }, 'rateLimiter.perClient.tokensPerSecond'],
  ])('options like %j', async (options, field) => {
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
    await app.register(rateLimit, { ...still, logLevel: 'warn' })
    await app.ready()
  })

  it.each([
    [{ cost: 3 }, 'GET /report config.rateLimit.cost'],
    [{ cots: 1 }, 'GET /report config.rateLimit.cots'],
    [{ tokensPerSecond: 1, burstSize: 2, cost: 3 }, 'GET /report config.rateLimit.cost'],
  ])('a route with %j', async (limit, field) => {
    const app = fastify()
    await app.register(rateLimit, still)
    expect(() => app.get('/report', { config: { rateLimit: limit } }, () => 'long')).toThrowError(
      expect.objectContaining({ field }),
    )
  })
})

describe('the plugin', () => {
  it('limits routes of plugins that come after it, and their not-found handlers', async () => {
    const app = fastify()
    await app.register(rateLimit, still)
    await app.register(
      async (scope) => {
        scope.setNotFoundHandler((_request, reply) => reply.code(404).send('mine'))
        scope.get('/quotes', () => [])
      },
      { prefix: '/v1' },
    )
    const statuses: number[] = []
    for (const url of ['/v1/quotes', '/v1/nowhere', '/v1/quotes']) statuses.push((await app.inject(url)).statusCode)
    expect(statuses).toEqual([200, 404, 429])
  })

  it('shares the own limit of a route between GET and HEAD', async () => {
    const app = fastify()
    await app.register(rateLimit, still)
    const own = { tokensPerSecond: 1, burstSize: 1 }
    app.get('/report', { config: { rateLimit: own } }, () => 'long')
    const first = await app.inject('/report')
    const second = await app.inject({ method: 'HEAD', url: '/report' })
    expect([first.statusCode, second.statusCode]).toEqual([200, 429])
  })

  it('knows what routes say that were there before it', async () => {
    const app = fastify()
    app.get('/report', { config: { rateLimit: { cost: 2 } } }, () => 'long')
    app.get('/healthz', { config: { rateLimit: false } }, () => 'well')
    await app.register(rateLimit, still)
    const statuses: number[] = []
    for (const url of ['/report', '/report', '/healthz']) statuses.push((await app.inject(url)).statusCode)
    expect(statuses).toEqual([200, 429, 200])
  })

  it('knows what a later hook has made a route say', async () => {
    const app = fastify()
    await app.register(rateLimit, still)
    app.addHook('onRoute', (route) => {
      if (route.url === '/healthz') route.config = { ...route.config, rateLimit: false }
    })
    app.get('/healthz', () => 'well')
    const statuses: number[] = []
    for (let request = 0; request < 3; request++) statuses.push((await app.inject('/healthz')).statusCode)
    expect(statuses).toEqual([200, 200, 200])
  })

  it('writes what onLimited throws into the log of the application', async () => {
    const lines: string[] = []
    const app = fastify({ logger: { level: 'error', stream: { write: (line: string) => void lines.push(line) } } })
    await app.register(rateLimit, {
      ...still,
      burstSize: 1,
      onLimited: () => {
        throw new Error('pager is down')
      },
    })
    await app.inject('/')
    expect((await app.inject('/')).statusCode).toBe(429)
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ err: { message: 'pager is down' } }])
  })
})
