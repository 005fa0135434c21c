import { startUpstreams, type Upstreams, yahooTransport } from '@holdfast/upstreams'
import { createResilience, type Service, type ServiceOptions } from 'holdfast'
import { onTestFinished } from 'vitest'
import { createAlpacaDataProvider } from '../src/alpaca/alpaca-data-provider.ts'
import { createFredSeriesProvider, type FredSeriesProvider } from '../src/fred/fred-series-provider.ts'
import type { DataProvider } from '../src/index.ts'
import { createYahooDataProvider } from '../src/yahoo/yahoo-data-provider.ts'

/** One provider's real SDK, guarded, in front of its stand-in, over real sockets. */
export interface Provided<T> {
  readonly upstreams: Upstreams
  readonly control: Upstreams['control']
  readonly service: Service
  readonly data: T
}

/** 32 lower-case letters and digits, as FRED has them. */
export const FRED_KEY = 'abcdefghijklmnopqrstuvwxyz012345'

export function startYahoo(options?: ServiceOptions): Promise<Provided<DataProvider>> {
  return start('yahoo', options, (service, { urls }) =>
    createYahooDataProvider({ service, fetch: yahooTransport(urls.yahoo) }),
  )
}

export function startAlpacaData(options?: ServiceOptions): Promise<Provided<DataProvider>> {
  return start('alpaca-data', options, (service, { urls }) =>
    createAlpacaDataProvider({ service, keyId: 'key', secretKey: 'secret', dataUrl: urls.alpaca }),
  )
}

/** With a limit that tests do not meet; the real one is two a second. */
export async function startFred(options?: ServiceOptions, apiKey = FRED_KEY): Promise<Provided<FredSeriesProvider>> {
  const started = await start('fred', options, (service, { urls }) =>
    createFredSeriesProvider({ service, apiKey, baseUrl: urls.fred }),
  )
  started.control.setLimits('fred', { perSecond: { requests: 100, windowMs: 1_000, window: 'rolling' } })
  return started
}

/** Waits between attempts are a millisecond, and limits are met by nobody, unless told otherwise. */
async function start<T>(
  name: string,
  options: ServiceOptions = {},
  make: (service: Service, upstreams: Upstreams) => T,
): Promise<Provided<T>> {
  const upstreams = await startUpstreams({
    ports: { control: 0 },
    workers: { count: 64, minMs: 0, maxMs: 0 },
  })
  onTestFinished(() => upstreams.close())
  const plenty = { tokensPerSecond: 1_000, burstSize: 1_000 }
  const fast = { baseDelayMs: 1, jitter: 'none' } as const
  const { retry } = options
  const settings = { ...options, retry: retry === false ? false : { ...fast, ...retry } } as const
  const resilience = createResilience({
    services: { [name]: { profile: 'DATA_PROVIDER', rateLimiter: plenty, ...settings } },
  })
  const service = resilience.service(name)
  return { upstreams, control: upstreams.control, service, data: make(service, upstreams) }
}
