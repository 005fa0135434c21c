import { inspect } from 'node:util'
import { startUpstreams, type Upstreams } from '@holdfast/upstreams'
import { restClient as massiveClient } from '@massive.com/client-js'
import { restClient as polygonClient } from '@polygon.io/client-js'
import { createResilience, describeFailure, type Service, TimeoutError } from 'holdfast'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { DataProvider } from '../src/index.ts'
import { InvalidRequestError, MalformedAnswerError } from '../src/index.ts'
import { createMassiveDataProvider } from '../src/massive/massive-data-provider.ts'
import { createPolygonDataProvider } from '../src/polygon/polygon-data-provider.ts'
import { rejection, SECRET_KEY } from './support.ts'

const december = { timeframe: '1Day', from: '2025-12-01', to: '2025-12-31' } as const

interface Started {
  readonly upstreams: Upstreams
  readonly service: Service
}

async function start(attemptTimeoutMs = 10_000): Promise<Started> {
  const upstreams = await startUpstreams({
    ports: { control: 0, alpaca: 0, polygon: 0 },
    workers: { count: 64, minMs: 0, maxMs: 0 },
  })
  onTestFinished(() => upstreams.close())
  const resilience = createResilience({
    services: {
      massive: {
        profile: 'DATA_PROVIDER',
        attemptTimeoutMs,
        retry: { maxRetries: 0 },
        rateLimiter: { tokensPerSecond: 1_000, burstSize: 1_000 },
      },
    },
  })
  return { upstreams, service: resilience.service('massive') }
}

const made: readonly (readonly [string, (started: Started) => DataProvider])[] = [
  [
    'Massive’s SDK, made here',
    ({ service, upstreams }) =>
      createMassiveDataProvider({ service, apiKey: SECRET_KEY, baseUrl: upstreams.urls.polygon }),
  ],
  [
    'Massive’s SDK, handed in',
    ({ service, upstreams }) =>
      createMassiveDataProvider({ service, client: massiveClient(SECRET_KEY, upstreams.urls.polygon) }),
  ],
  [
    'Polygon’s SDK, handed in',
    ({ service, upstreams }) =>
      createPolygonDataProvider({ service, client: polygonClient(SECRET_KEY, upstreams.urls.polygon) }),
  ],
]

describe.each(made)('%s', (_what, make) => {
  it('has bars and quotes', async () => {
    const started = await start()
    const data = make(started)
    expect(await data.getBars('AAPL', december)).toHaveLength(23)
    expect(await data.getQuote('MSFT')).toMatchObject({ symbol: 'MSFT' })
    expect(started.upstreams.control.stats('polygon').requests).toBe(2)
  })

  it('ends with a timeout when the server hangs, and closes the socket', async () => {
    const started = await start(100)
    started.upstreams.control.setFaults('polygon', { action: { type: 'hang' } })
    expect(await rejection(make(started).getQuote('AAPL'))).toBeInstanceOf(TimeoutError)
    await vi.waitFor(() => expect(started.upstreams.control.log()).toMatchObject([{ outcome: 'cut off' }]))
  })

  it('refuses a 200 that is a text', async () => {
    const started = await start()
    started.upstreams.control.setFaults('polygon', { action: { type: 'malformed', mode: 'html' } })
    expect(await rejection(make(started).getQuote('AAPL'))).toBeInstanceOf(MalformedAnswerError)
  })

  it('tells what the service said, without the key', async () => {
    const started = await start()
    started.upstreams.control.setFaults('polygon', { action: { type: 'rate429', retryAfterSec: 3 } })
    const error = await rejection(make(started).getQuote('AAPL'))
    expect(describeFailure(error)).toMatchObject({ status: 429, retryAfterMs: 3_000, throttled: true })
    expect(inspect(error, { depth: 12, showHidden: true })).not.toContain(SECRET_KEY)
  })
})

it.each([
  [
    'Polygon',
    (service: Service, url: string) =>
      createPolygonDataProvider({ service, client: polygonClient('key', url, { pagination: true }) }),
  ],
  [
    'Massive',
    (service: Service, url: string) =>
      createMassiveDataProvider({ service, client: massiveClient('key', url, { pagination: true }) }),
  ],
])(
  '%s: a client that follows pages by itself is found out, because its requests pass no limiter',
  async (_name, make) => {
    const { service, upstreams } = await start()
    const error = await rejection(make(service, upstreams.urls.polygon).getBars('AAPL', { ...december, limit: 5 }))
    expect(error).toBeInstanceOf(InvalidRequestError)
    expect(String(error)).toContain('pagination: false')
  },
)
