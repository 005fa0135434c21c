/** Massive, as Polygon is called since October 2025, through its own SDK (`@massive.com/client-js` 10). */
import {
  type DefaultApi,
  restClient,
  GetStocksAggregatesSortEnum as Sort,
  GetStocksAggregatesTimespanEnum as Timespan,
} from '@massive.com/client-js'
import type { Service } from 'holdfast'
import type { Timeframe } from '../data-provider.ts'
import { PolygonApi } from '../polygon/polygon-api.ts'

/** Who calls Massive, and where it is. */
export type MassiveDataProviderOptions = {
  /** The service whose guards every request passes. Use the profile `DATA_PROVIDER`. */
  readonly service: Service
} & (
  | {
      readonly apiKey: string
      /** Where the API is, if not at Massive's. */
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

/** Massive, guarded. Made by {@link createMassiveDataProvider}. */
export class MassiveDataProvider extends PolygonApi {
  constructor(options: MassiveDataProviderOptions) {
    const client = options.client ?? restClient(options.apiKey, options.baseUrl, { pagination: false })
    super(options.service, {
      aggregates: ({ ticker, timeframe, from, to, limit }, signal) => {
        const [multiplier, timespan] = TIMESPANS[timeframe]
        return client.getStocksAggregates(
          { stocksTicker: ticker, multiplier, timespan, from, to, adjusted: true, sort: Sort.Asc, limit },
          { signal },
        )
      },
      lastQuote: (ticker, signal) => client.getLastStocksQuote({ stocksTicker: ticker }, { signal }),
    })
  }
}

/**
 * Massive through its own SDK.
 *
 * @example
 * const data = createMassiveDataProvider({ service: resilience.service('massive'), apiKey })
 * const quote = await data.getQuote('AAPL')
 */
export function createMassiveDataProvider(options: MassiveDataProviderOptions): MassiveDataProvider {
  return new MassiveDataProvider(options)
}
