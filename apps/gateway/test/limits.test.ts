import { VirtualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import { ORDER, startWorld } from './support.ts'

describe('every route is rate limited', () => {
  it.each<[method: string, path: string, body?: object]>([
    ['GET', '/v1/account'],
    ['GET', '/v1/positions'],
    ['POST', '/v1/orders', ORDER],
    ['GET', '/v1/orders/some-order'],
    ['DELETE', '/v1/orders/some-order'],
    ['GET', '/v1/bars/AAPL?from=2025-12-01&to=2025-12-31'],
    ['GET', '/v1/quotes/AAPL'],
    ['GET', '/healthz'],
    ['GET', '/readyz'],
    ['GET', '/v1/resilience'],
    ['GET', '/nowhere'],
  ])('%s %s', async (method, path, body) => {
    const { ask, standIns } = await startWorld({
      limits: { tokensPerSecond: 0.1, burstSize: 1, clock: new VirtualClock() },
    })
    const first = await ask(path, { method, body })
    expect(first.status).not.toBe(429)
    expect(first.headers).toMatchObject({ ratelimit: '"default";r=0;t=10', 'ratelimit-policy': '"default";q=1;w=10' })
    const requests = standIns.control.log().length
    const second = await ask(path, { method, body })
    expect(second).toMatchObject({ status: 429, body: { type: 'urn:holdfast:too-many-requests', retryAfter: 10 } })
    expect(second.headers['retry-after']).toBe('10')
    expect(standIns.control.log()).toHaveLength(requests)
  })

  it('for each client too', async () => {
    const perClient = { tokensPerSecond: 0.1, burstSize: 1 }
    const limits = { perClient, apiKeys: { 'desk-1': true, 'desk-2': true }, clock: new VirtualClock() } as const
    const { ask } = await startWorld({ limits })
    const statuses: number[] = []
    for (const key of ['desk-1', 'desk-1', 'desk-2']) {
      statuses.push((await ask('/healthz', { headers: { 'x-api-key': key } })).status)
    }
    expect(statuses).toEqual([200, 429, 200])
  })
})
