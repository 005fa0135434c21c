import type { FaultRuleInput } from '@holdfast/upstreams'
import { describe, expect, it } from 'vitest'
import { ORDER, startWorld } from './support.ts'

type Action = FaultRuleInput['action']

describe('a service that fails', () => {
  it.each<[string, Action, number, string]>([
    ['hangs', { type: 'hang' }, 504, 'timeout'],
    ['answers 500', { type: 'status', code: 500 }, 502, 'service-failed'],
    ['does not know us any more', { type: 'status', code: 401 }, 502, 'service-failed'],
    ['resets the connection', { type: 'reset' }, 502, 'service-failed'],
    ['closes the connection', { type: 'fin' }, 502, 'service-failed'],
    ['stops in the middle of its answer', { type: 'partial' }, 502, 'service-failed'],
    ['answers with half a body', { type: 'malformed', mode: 'truncate' }, 502, 'malformed-answer'],
    ['answers with a page of HTML', { type: 'malformed', mode: 'html' }, 502, 'malformed-answer'],
    ['answers null', { type: 'malformed', mode: 'nullJson' }, 502, 'malformed-answer'],
    ['leaves a field out', { type: 'drift', drop: 'cash' }, 502, 'malformed-answer'],
  ])('and %s', async (_how, action, status, kind) => {
    // A short limit only where it is the point: on a busy machine the other answers may take as long.
    const limits = action.type === 'hang' ? { attemptTimeoutMs: 200 } : {}
    const { ask, standIns } = await startWorld({ services: { alpaca: limits } })
    standIns.control.setFaults('alpaca', { action })
    const answer = await ask('/v1/account')
    expect(answer).toMatchObject({ status, body: { type: `urn:holdfast:${kind}`, status } })
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8')
  })

  it('and cannot be reached', async () => {
    const { ask, standIns } = await startWorld()
    await standIns.close()
    expect(await ask('/v1/account')).toMatchObject({ status: 502, body: { type: 'urn:holdfast:service-failed' } })
    expect(await ask('/v1/quotes/AAPL')).toMatchObject({ status: 502, body: { type: 'urn:holdfast:service-failed' } })
  })

  it('is asked again, and the client sees nothing of it', async () => {
    const { ask, standIns } = await startWorld({ services: { alpaca: { retry: { baseDelayMs: 1 } } } })
    standIns.control.setFaults('alpaca', { match: { times: 2 }, action: { type: 'reset' } })
    expect((await ask('/v1/account')).status).toBe(200)
    expect(standIns.control.stats('alpaca').requests).toBe(3)
  })

  it('takes nothing from another one', async () => {
    const { ask, standIns } = await startWorld({ services: { alpaca: { attemptTimeoutMs: 5_000 } } })
    standIns.control.setFaults('alpaca', { action: { type: 'hang' } })
    const abandoned = new AbortController()
    const hanging = Array.from({ length: 20 }, () => ask('/v1/account', { signal: abandoned.signal }))
    const quotes = await Promise.all(Array.from({ length: 50 }, () => ask('/v1/quotes/AAPL')))
    expect(new Set(quotes.map(({ status }) => status))).toEqual(new Set([200]))
    abandoned.abort()
    await Promise.allSettled(hanging)
  })

  it('and keeps the key out of what the client is told', async () => {
    const { ask, standIns } = await startWorld({ services: { polygon: { attemptTimeoutMs: 200 } } })
    standIns.control.setFaults('polygon', { action: { type: 'status', code: 500 } })
    const { body } = await ask('/v1/quotes/AAPL')
    expect(JSON.stringify(body)).not.toMatch(/apiKey/i)
  })
})

describe('an open circuit', () => {
  it('is a 503 that says when to come back, on every route of that service but cancellations, without asking it', async () => {
    const { ask, standIns, upstreams } = await startWorld({
      services: { alpaca: { circuitBreaker: { minProbeIntervalMs: 30_000, recoveryTimeoutMs: 30_000 } } },
    })
    standIns.control.setFaults('alpaca', { action: { type: 'status', code: 500 } })
    for (let call = 0; call < 3; call++) await ask('/v1/account')
    expect(upstreams.resilience.service('alpaca').circuitBreaker?.state).toBe('OPEN')
    const routes = [
      ['GET', '/v1/account'],
      ['GET', '/v1/positions'],
      ['GET', '/v1/orders/some-order'],
      ['GET', '/v1/orders/some-order?by=clientOrderId'],
      ['POST', '/v1/orders', ORDER],
    ] as const
    for (const [method, path, body] of routes) {
      const answer = await ask(path, { method, body })
      expect(answer).toMatchObject({ status: 503, body: { type: 'urn:holdfast:circuit-open' } })
      expect(answer.headers['retry-after']).toMatch(/^(2\d|30)$/)
    }
    expect(standIns.control.stats('alpaca').requests).toBe(3)
    expect((await ask('/v1/quotes/AAPL')).status).toBe(200)
    standIns.control.clearFaults('alpaca')
    expect((await ask('/v1/orders', { method: 'DELETE' })).status).toBe(204)
    expect((await ask('/v1/account')).status).toBe(200)
  })
})

describe('a full bulkhead', () => {
  it('is a 503 with Retry-After', async () => {
    const bulkhead = { maxConcurrent: 1, maxQueue: 0 }
    const { ask, standIns } = await startWorld({ services: { alpaca: { bulkhead, attemptTimeoutMs: 300 } } })
    standIns.control.setFaults('alpaca', { action: { type: 'hang' } })
    const answers = await Promise.all([ask('/v1/account'), ask('/v1/account')])
    const refused = answers.find(({ status }) => status === 503)
    expect(answers.map(({ status }) => status).sort()).toEqual([503, 504])
    expect(refused).toMatchObject({ body: { type: 'urn:holdfast:service-busy' } })
    expect(Number(refused?.headers['retry-after'])).toBeGreaterThanOrEqual(1)
  })
})

describe('the limit towards a service', () => {
  it('is a 429 with Retry-After when it is ours', async () => {
    const rateLimiter = { tokensPerSecond: 0.001, burstSize: 1, maxWaitMs: 0 }
    const { ask } = await startWorld({ services: { alpaca: { rateLimiter } } })
    expect((await ask('/v1/account')).status).toBe(200)
    const answer = await ask('/v1/account')
    expect(answer).toMatchObject({ status: 429, body: { type: 'urn:holdfast:service-limit' } })
    expect(answer.headers['retry-after']).toMatch(/^(999|1000)$/)
  })

  it("is a 429 with Retry-After when it is the service's own, which is then left alone for that long", async () => {
    const { ask, standIns } = await startWorld()
    standIns.control.setFaults('alpaca', { match: { times: 1 }, action: { type: 'rate429', retryAfterSec: 600 } })
    const throttled = await ask('/v1/account')
    expect(throttled).toMatchObject({ status: 429, body: { type: 'urn:holdfast:service-throttles' } })
    expect(throttled.headers['retry-after']).toBe('600')
    expect((await ask('/v1/account')).status).toBe(429)
    expect(standIns.control.stats('alpaca').requests).toBe(1)
  })

  it('is told also when the service names a date', async () => {
    const { ask, standIns } = await startWorld()
    const action = { type: 'rate429', retryAfterSec: 600, header: 'http-date' }
    standIns.control.setFaults('alpaca', { action })
    const { headers } = await ask('/v1/account')
    expect(headers['retry-after']).toMatch(/^(600|599)$/)
  })
})
