import { startUpstreams, type Upstreams } from '@holdfast/upstreams'
import { createResilience, type Resilience, type ServiceOptions } from 'holdfast'
import { afterEach } from 'vitest'
import { createAlpacaBroker } from '../src/alpaca/alpaca-broker.ts'
import { type Broker, memoryJournal, type OrderKeeping } from '../src/index.ts'
import { createPolygonDataProvider, type PolygonDataProvider } from '../src/polygon/polygon-data-provider.ts'

/** The real SDKs, guarded, in front of the stand-ins, over real sockets. */
export interface Bench {
  readonly upstreams: Upstreams
  readonly resilience: Resilience
  readonly broker: Broker
  readonly data: PolygonDataProvider
}

export const SECRET_KEY = 'polygon-secret-key'

const started: Upstreams[] = []

afterEach(async () => {
  await Promise.all(started.splice(0).map((upstreams) => upstreams.close()))
})

/** Starts everything; it is stopped after the test. Waits between attempts are a millisecond, unless told otherwise. */
export async function startBench(
  overrides: {
    alpaca?: ServiceOptions
    polygon?: ServiceOptions
    secretKey?: string
    apiKey?: string
    orders?: Partial<OrderKeeping>
  } = {},
): Promise<Bench> {
  const upstreams = await startUpstreams({
    ports: { control: 0, alpaca: 0, polygon: 0 },
    workers: { count: 64, minMs: 0, maxMs: 0 },
  })
  started.push(upstreams)
  const fast = { baseDelayMs: 1, jitter: 'none' } as const
  const limit = { tokensPerSecond: 1_000, burstSize: 1_000 }
  const { alpaca, polygon, secretKey = 'secret', apiKey = SECRET_KEY, orders } = overrides
  const resilience = createResilience({
    services: {
      alpaca: { profile: 'BROKER', rateLimiter: limit, ...alpaca, retry: { ...fast, ...(alpaca?.retry || {}) } },
      polygon: {
        profile: 'DATA_PROVIDER',
        rateLimiter: limit,
        ...polygon,
        retry: { ...fast, ...(polygon?.retry || {}) },
      },
    },
  })
  return {
    upstreams,
    resilience,
    broker: createAlpacaBroker({
      service: resilience.service('alpaca'),
      journal: memoryJournal(),
      reconciliation: { settleMs: 30 },
      ...orders,
      keyId: 'key',
      secretKey,
      tradingUrl: upstreams.urls.alpaca,
    }),
    data: createPolygonDataProvider({
      service: resilience.service('polygon'),
      apiKey,
      baseUrl: upstreams.urls.polygon,
    }),
  }
}

/** What a promise rejects with; a failure of the test when it does not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('it was to reject, and resolved')
}
