/** Polygon through its own SDK (`@polygon.io/client-js` 8), behind a service's guards. */
import {
  type DefaultApi,
  restClient,
  GetStocksAggregatesSortEnum as Sort,
  GetStocksAggregatesTimespanEnum as Timespan,
} from '@polygon.io/client-js'
import type { Service } from 'holdfast'
import type { Timeframe } from '../data-provider.ts'
import { PolygonApi } from './polygon-api.ts'

/** Who calls Polygon, and where it is. */
export type PolygonDataProviderOptions = {
  /** The service whose guards every request passes. Use the profile `DATA_PROVIDER`. */
  readonly service: Service
} & (
  | {
      readonly apiKey: string
      /** Where the API is, if not at Polygon's. */
      readonly baseUrl?: string | undefined
      readonly client?: undefined
    }
  | {
      /** The SDK's own client instead, made without pagination: pages are requests that no guard would see. */
      readonly client: DefaultApi
    }
)

const TIMESPANS = {
  '1Min': [1, Timespan.Minute],
  '5Min': [5, Timespan.Minute],
  '15Min': [15, Timespan.Minute],
  '1Hour': [1, Timespan.Hour],
  '1Day': [1, Timespan.Day],
  '1Week': [1, Timespan.Week],
  '1Month': [1, Timespan.Month],
} as const satisfies Record<Timeframe, readonly [number, Timespan]>

/** Polygon, guarded. Made by {@link createPolygonDataProvider}. */
export class PolygonDataProvider extends PolygonApi {
  constructor(options: PolygonDataProviderOptions) {
    const client = options.client ?? restClient(options.apiKey, options.baseUrl, { pagination: false })
    super(options.service, {
      aggregates: ({ ticker, timeframe, from, to, limit }, signal) => {
        const [multiplier, timespan] = TIMESPANS[timeframe]
        return client.getStocksAggregates(ticker, multiplier, timespan, from, to, true, Sort.Asc, limit, { signal })
      },
      lastQuote: (ticker, signal) => client.getLastStocksQuote(ticker, { signal }),
    })
  }
}

/**
 * Polygon through its own SDK.
 *
 * @example
 * const data = createPolygonDataProvider({ service: resilience.service('polygon'), apiKey })
 * const bars = await data.getBars('AAPL', { timeframe: '1Day', from: '2025-12-01', to: '2025-12-31' })
 */
export function createPolygonDataProvider(options: PolygonDataProviderOptions): PolygonDataProvider {
  return new PolygonDataProvider(options)
}
