/** Alpaca's market data through its own SDK (`@alpacahq/alpaca-trade-api` 4), behind a service's guards. */
import type { Alpaca } from '@alpacahq/alpaca-trade-api/rest'
import type { Call, Service } from 'holdfast'
import { Answer } from '../answer.ts'
import {
  type Bar,
  type BarsQuery,
  checkedLimit,
  type DataProvider,
  type Quote,
  type Timeframe,
} from '../data-provider.ts'
import { UpstreamRequestError } from '../errors.ts'
import { checkedSymbol, checkedTime, type RequestOptions } from '../requests.ts'
import { type AlpacaClient, alpacaClient } from './alpaca-client.ts'
import { alpacaError } from './alpaca-error.ts'
import { withToldLimits } from './told-limits.ts'

/** Who calls Alpaca, and where its data are. */
export type AlpacaDataProviderOptions = {
  /**
   * The service whose guards every request passes: another than the broker's, because data have a limit of their own and
   * must not take tokens from orders. Use the profile `DATA_PROVIDER`.
   */
  readonly service: Service
} & (
  | AlpacaClient
  | {
      readonly keyId: string
      readonly secretKey: string
      /** Where the data API is, if not at Alpaca's. */
      readonly dataUrl?: string | undefined
    }
)

const TIMEFRAMES = {
  '1Min': '1Min',
  '5Min': '5Min',
  '15Min': '15Min',
  '1Hour': '1Hour',
  '1Day': '1Day',
  '1Week': '1Week',
  '1Month': '1Month',
} as const satisfies Record<Timeframe, string>

/** The API gives no more in one page. */
const LONGEST_PAGE = 10_000

const DAY_MS = 86_400_000

/** Alpaca's market data, guarded. Made by {@link createAlpacaDataProvider}. */
export class AlpacaDataProvider implements DataProvider {
  readonly service: Service
  readonly #stocks: Alpaca['marketData']['stocks']

  constructor(options: AlpacaDataProviderOptions) {
    this.service = options.service
    const client = alpacaClient('client' in options ? options : { ...options, tradingUrl: options.dataUrl })
    this.#stocks = withToldLimits(client.marketData.stocks, options.service)
  }

  async getBars(symbol: string, query: BarsQuery, options?: RequestOptions): Promise<readonly Bar[]> {
    const ticker = checkedSymbol(symbol)
    const to = checkedTime('to', query.to)
    const request = {
      symbols: ticker,
      timeframe: TIMEFRAMES[query.timeframe],
      start: new Date(checkedTime('from', query.from)),
      // A date means the whole day.
      end: new Date(Date.parse(to) + (to.includes('T') ? 0 : DAY_MS - 1)),
      limit: Math.min(checkedLimit(query.limit), LONGEST_PAGE),
    }
    return await this.#ask('getBars', options, async ({ signal }) => {
      const found: unknown = await this.#stocks.stockBars(request, { signal })
      return new Answer(this.service.name, 'getBars', found).part('bars').list(ticker).map(readBar)
    })
  }

  async getQuote(symbol: string, options?: RequestOptions): Promise<Quote> {
    const ticker = checkedSymbol(symbol)
    return await this.#ask('getQuote', options, async ({ signal }) => {
      const found: unknown = await this.#stocks.stockLatestQuotes({ symbols: ticker }, { signal })
      const quotes = new Answer(this.service.name, 'getQuote', found).part('quotes')
      if (quotes.has(ticker)) return readQuote(ticker, quotes.part(ticker))
      throw new UpstreamRequestError(`Alpaca has no quote of ${ticker}`, {
        code: 'ALPACA_NO_QUOTE',
        status: 404,
        retryAfterMs: undefined,
      })
    })
  }

  #ask<T>(
    operation: string,
    options: RequestOptions | undefined,
    ask: (call: Call) => Promise<T>,
  ): Promise<Awaited<T>> {
    return this.service.execute(
      async (call) => {
        try {
          return await ask(call)
        } catch (error) {
          throw alpacaError(this.service.name, operation, error)
        }
      },
      { ...options, operation, idempotent: true },
    )
  }
}

/**
 * Alpaca's market data through its own SDK, whose retries and limiter are switched off in favour of the service's.
 *
 * @throws InvalidOptionError when a client of your own retries or limits by itself
 * @example
 * const data = createAlpacaDataProvider({ service: resilience.service('alpaca-data'), keyId, secretKey })
 * const quote = await data.getQuote('AAPL')
 */
export function createAlpacaDataProvider(options: AlpacaDataProviderOptions): AlpacaDataProvider {
  return new AlpacaDataProvider(options)
}

function readBar(bar: Answer): Bar {
  return {
    at: bar.time('t'),
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
    at: quote.time('t'),
    bid: quote.number('bp'),
    bidSize: quote.number('bs'),
    ask: quote.number('ap'),
    askSize: quote.number('as'),
  }
}
