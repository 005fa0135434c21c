import { Validator } from '@seriousme/openapi-schema-validator'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ROUTE_DOCS } from '../src/reference/routes.ts'
import { startControlled } from './control/support.ts'
import { ORDER, startWorld } from './support.ts'

const documented = z.object({
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({
        responses: z.record(
          z.string(),
          z.object({
            description: z.string(),
            headers: z.record(z.string(), z.unknown()).optional(),
            content: z.record(z.string(), z.unknown()).optional(),
          }),
        ),
      }),
    ),
  ),
})

/** The routes in the tree that Fastify prints, as `METHOD /path`. */
function routesOf(printed: string): string[] {
  const routes: string[] = []
  const path: string[] = []
  for (const line of printed.split('\n')) {
    const [, branches = '', part = '', methods = ''] = /^(.*?[├└]── )(\S+)(?: \(([A-Z, ]+)\))?/.exec(line) ?? []
    path.splice(branches.length / 4 - 1, Number.POSITIVE_INFINITY, part)
    for (const method of methods.split(', '))
      if (!['', 'HEAD'].includes(method)) routes.push(`${method} ${path.join('')}`)
  }
  return routes.toSorted()
}

describe('the OpenAPI document', () => {
  it('is one, by the schema of OpenAPI 3.1', async () => {
    const { as } = await startControlled()
    const { status, body } = await as('viewer', '/openapi.json')
    expect(status).toBe(200)
    const validator = new Validator()
    expect(await validator.validate(z.record(z.string(), z.unknown()).parse(body))).toEqual({ valid: true })
    expect(validator.version).toBe('3.1')
  })

  it('has every route, and none that is not there', async () => {
    const { gateway } = await startControlled()
    const there = routesOf(gateway.app.printRoutes({ commonPrefix: false })).filter(
      (route) => !route.startsWith('GET /docs') && !route.startsWith('GET /console'),
    )
    expect(there.length).toBeGreaterThan(20)
    expect(there).toEqual(Object.keys(ROUTE_DOCS).toSorted())
    const { body } = await (await startControlled()).as('viewer', '/openapi.json')
    const operations = Object.values(documented.parse(body).paths).flatMap((path) => Object.keys(path))
    expect(operations).toHaveLength(there.length)
  })

  it('leaves out what this gateway does not have', async () => {
    const { ask } = await startWorld()
    const { paths } = documented.parse((await ask('/openapi.json')).body)
    expect(paths).toHaveProperty(['/v1/orders/{id}', 'delete'])
    expect(paths).not.toHaveProperty(['/v1/kill-switch'])
  })

  it('describes the 429 and the 503 of every route, with Retry-After and the problem', async () => {
    const { ask } = await startWorld()
    const { paths } = documented.parse((await ask('/openapi.json')).body)
    for (const operation of Object.values(paths).flatMap((path) => Object.values(path))) {
      for (const status of ['429', '503']) {
        expect(operation.responses[status]?.headers).toHaveProperty('Retry-After')
        expect(operation.responses[status]?.content).toHaveProperty(['application/problem+json'])
      }
    }
  })

  it('has the shapes of what is really answered', async () => {
    const { ask } = await startWorld({ sources: 'all' })
    await ask('/v1/orders', {
      method: 'POST',
      body: { ...ORDER, clientOrderId: 'one', type: 'limit', limitPrice: '1' },
    })
    const asked = {
      'GET /v1/account': '/v1/account',
      'GET /v1/positions': '/v1/positions',
      'GET /v1/orders': '/v1/orders',
      'GET /v1/orders/:id': '/v1/orders/one?by=clientOrderId',
      'GET /v1/quotes/:symbol': '/v1/quotes/AAPL',
      'GET /v1/bars/:symbol': '/v1/bars/AAPL?from=2025-12-01&to=2025-12-31',
      'GET /v1/series/:id': '/v1/series/PAYEMS?from=2008-01-01&limit=2',
    }
    for (const [route, path] of Object.entries(asked)) {
      const shape = ROUTE_DOCS[route]?.answers[200]?.body
      const { body } = await ask(path)
      // Parsed by the shape nothing is left out: it knows every field.
      expect([path, shape?.parse(body)]).toEqual([path, body])
    }
  })
})

describe('the reference page', () => {
  it('is made of the gateway’s own files, under a policy that lets it ask nobody else', async () => {
    const { ask } = await startWorld()
    const page = await ask('/docs/', { raw: true })
    expect(page.status).toBe(200)
    const policy = String(page.headers['content-security-policy'])
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toMatch(/https?:|\*|unsafe/)
    const html = String(page.body)
    const linked = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(
      ([, link = '']) => new URL(link, 'http://gateway/docs/'),
    )
    expect(linked.length).toBeGreaterThan(3)
    for (const { host, pathname } of linked) {
      expect(host).toBe('gateway')
      expect((await ask(pathname, { raw: true })).status).toBe(200)
    }
  })

  it('is limited like every route, and so is the document', async () => {
    const { ask } = await startWorld({ limits: { perClient: { tokensPerSecond: 0.001, burstSize: 2 } } })
    const statuses: number[] = []
    for (const path of ['/docs/', '/openapi.json', '/docs/', '/openapi.json', '/docs/static/swagger-ui.css']) {
      statuses.push((await ask(path, { raw: true })).status)
    }
    expect(statuses).toEqual([200, 200, 429, 429, 429])
  })
})
