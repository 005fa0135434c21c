/** Polygon (Massive) through its own SDK (`@polygon.io/client-js` 8), behind a service's guards. */
import {
  type DefaultApi,
  restClient,
  GetStocksAggregatesSortEnum as Sort,
  GetStocksAggregatesTimespanEnum as Timespan,
} from '@polygon.io/client-js'
import { type Call, describeFailure, type Service } from 'holdfast'
import { Answer } from '../answer.ts'
import type { Bar, BarsQuery, DataProvider, Quote, Timeframe } from '../data-provider.ts'
import { InvalidRequestError, MalformedAnswerError, TradingError, UpstreamRequestError } from '../errors.ts'
import { redactUrl } from '../redact.ts'
import { checkedSymbol, checkedTime, type RequestOptions } from '../requests.ts'

/** Who calls Polygon, and where it is. */
export interface PolygonDataProviderOptions {
  /** The service whose guards every request passes. Use the profile `DATA_PROVIDER`. */
  readonly service: Service
  readonly apiKey: string
  /** Where the API is, if not at Polygon's. */
  readonly baseUrl?: string | undefined
}

const TIMESPANS = {
  '1Min': [1, Timespan.Minute],
  '5Min': [5, Timespan.Minute],
  '15Min': [15, Timespan.Minute],
  '1Hour': [1, Timespan.Hour],
  '1Day': [1, Timespan.Day],
  '1Week': [1, Timespan.Week],
  '1Month': [1, Timespan.Month],
} as const satisfies Record<Timeframe, readonly [number, Timespan]>

/** Statuses within an answer that mean that it is one. */
const GOOD = new Set(['OK', 'DELAYED'])

/** Polygon, guarded. Made by {@link createPolygonDataProvider}. */
export class PolygonDataProvider implements DataProvider {
  readonly service: Service
  readonly #client: DefaultApi

  constructor({ service, apiKey, baseUrl }: PolygonDataProviderOptions) {
    this.service = service
    // Without pagination, because each page is a request that no guard would see.
    this.#client = restClient(apiKey, baseUrl, { pagination: false })
  }

  async getBars(symbol: string, query: BarsQuery, options?: RequestOptions): Promise<readonly Bar[]> {
    const ticker = checkedSymbol(symbol)
    const from = edgeOf('from', query.from)
    const to = edgeOf('to', query.to)
    const { limit = 5_000, timeframe } = query
    if (!Number.isInteger(limit) || limit < 1 || limit > 50_000) {
      throw new InvalidRequestError('limit', limit, 'it must be a whole number from 1 to 50,000')
    }
    const [multiplier, timespan] = TIMESPANS[timeframe]
    return await this.#ask('getBars', options, async ({ signal }) => {
      const client = this.#client
      const bars: unknown = await client.getStocksAggregates(
        ticker,
        multiplier,
        timespan,
        from,
        to,
        true,
        Sort.Asc,
        limit,
        { signal },
      )
      return this.#answer('getBars', bars).list('results').map(readBar)
    })
  }

  async getQuote(symbol: string, options?: RequestOptions): Promise<Quote> {
    const ticker = checkedSymbol(symbol)
    return await this.#ask('getQuote', options, async ({ signal }) => {
      const quote: unknown = await this.#client.getLastStocksQuote(ticker, { signal })
      return readQuote(ticker, this.#answer('getQuote', quote).part('results'))
    })
  }

  #ask<T>(
    operation: string,
    options: RequestOptions | undefined,
    ask: (call: Call) => Promise<T>,
  ): Promise<Awaited<T>> {
    const named = { ...options, operation, idempotent: true }
    return this.service.execute(async (call) => {
      try {
        return await ask(call)
      } catch (error) {
        throw error instanceof TradingError ? error : withoutKey(error)
      }
    }, named)
  }

  #answer(operation: string, value: unknown): Answer {
    const answer = new Answer(this.service.name, operation, value)
    const status = answer.text('status')
    if (GOOD.has(status)) return answer
    throw new MalformedAnswerError(this.service.name, operation, `its status is ${status}, not OK`)
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

/** A date as it is; a moment as milliseconds since 1970, which the API wants. */
function edgeOf(field: string, text: string): string {
  const checked = checkedTime(field, text)
  return checked.includes('T') ? String(Date.parse(checked)) : checked
}

function readBar(bar: Answer): Bar {
  return {
    at: bar.number('t'),
    open: bar.number('o'),
    high: bar.number('h'),
    low: bar.number('l'),
    close: bar.number('c'),
    volume: bar.number('v'),
  }
}

function readQuote(symbol: string, quote: Answer): Quote {
  return {
    symbol,
    at: Math.floor(quote.number('t') / 1_000_000),
    bid: quote.number('p'),
    bidSize: quote.number('s'),
    ask: quote.number('P'),
    askSize: quote.number('S'),
  }
}

/** The SDK's errors carry the request, and with it the key; what is told of them here does not. */
function withoutKey(error: unknown): unknown {
  const facts = describeFailure(error)
  if (facts.kind === 'cancelled' || !(error instanceof Error)) return error
  return new UpstreamRequestError(redactUrl(saidByService(error) ?? error.message), facts)
}

/** What the service itself said, which tells more than the SDK's "status code 404". */
function saidByService(error: Error): string | undefined {
  const response: unknown = Reflect.get(error, 'response')
  const body: unknown = typeof response === 'object' && response !== null ? Reflect.get(response, 'data') : undefined
  if (typeof body !== 'object' || body === null) return undefined
  const said: unknown = Reflect.get(body, 'error') ?? Reflect.get(body, 'message')
  return typeof said === 'string' ? said.slice(0, 300) : undefined
}
