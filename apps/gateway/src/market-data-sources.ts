/** Where market data come from, in the order in which they are asked, each source behind its own guards. */
import { type DataProvider, UPSTREAM_LIMITS } from '@holdfast/trading'
import { createAlpacaDataProvider } from '@holdfast/trading/alpaca-data'
import { createFredSeriesProvider } from '@holdfast/trading/fred'
import { createMarketData, type MarketData } from '@holdfast/trading/market-data'
import { createPolygonDataProvider } from '@holdfast/trading/polygon'
import { createYahooDataProvider } from '@holdfast/trading/yahoo'
import type { Resilience, ServiceOptions } from 'holdfast'

/** Where the sources are, and by which keys they know us. Only Polygon must be there. */
export interface DataEndpoints {
  readonly polygon: { readonly apiKey: string; readonly baseUrl?: string | undefined }
  readonly alpacaData?:
    | { readonly keyId: string; readonly secretKey: string; readonly dataUrl?: string | undefined }
    | undefined
  readonly yahoo?: { readonly fetch?: typeof fetch | undefined } | undefined
  readonly fred?: { readonly apiKey: string; readonly baseUrl?: string | undefined } | undefined
}

/** What differs from the profile `DATA_PROVIDER`, by service. */
export type DataOverrides = Readonly<Partial<Record<'polygon' | 'alpaca-data' | 'yahoo' | 'fred', ServiceOptions>>>

/** The settings of the sources' services: as strict as the providers' own limits. */
export function dataServices(endpoints: DataEndpoints, overrides: DataOverrides): Record<string, ServiceOptions> {
  const settings = (name: keyof DataOverrides, usual: ServiceOptions): Record<string, ServiceOptions> => ({
    [name]: { profile: 'DATA_PROVIDER', ...usual, ...overrides[name] },
  })
  return {
    ...settings('polygon', {}),
    ...(endpoints.alpacaData && settings('alpaca-data', { rateLimiter: UPSTREAM_LIMITS.alpacaData })),
    ...(endpoints.yahoo && settings('yahoo', { rateLimiter: UPSTREAM_LIMITS.yahoo })),
    ...(endpoints.fred && settings('fred', { rateLimiter: UPSTREAM_LIMITS.fred })),
  }
}

/** The sources, behind the services of {@link dataServices}. @param marketTime in milliseconds since 1970 */
export function marketDataFrom(
  { polygon, alpacaData, yahoo, fred }: DataEndpoints,
  resilience: Resilience,
  marketTime: () => number,
): MarketData {
  const providers: DataProvider[] = [createPolygonDataProvider({ service: resilience.service('polygon'), ...polygon })]
  if (alpacaData !== undefined) {
    providers.push(createAlpacaDataProvider({ service: resilience.service('alpaca-data'), ...alpacaData }))
  }
  if (yahoo !== undefined) providers.push(createYahooDataProvider({ service: resilience.service('yahoo'), ...yahoo }))
  const series = fred === undefined ? [] : [createFredSeriesProvider({ service: resilience.service('fred'), ...fred })]
  return createMarketData({ bars: providers, quotes: providers, series, clock: { wallTime: marketTime } })
}
