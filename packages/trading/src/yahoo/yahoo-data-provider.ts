/** Yahoo through `yahoo-finance2` 4, behind a service's guards. */
import { type Call, describeFailure, type Service } from 'holdfast'
import { Answer } from '../answer.ts'
import {
  type Bar,
  type BarsQuery,
  checkedLimit,
  type DataProvider,
  type Quote,
  type Timeframe,
} from '../data-provider.ts'
import { MalformedAnswerError, TradingError, UpstreamRequestError } from '../errors.ts'
import { redactUrl } from '../redact.ts'
import { checkedSymbol, checkedTime, type RequestOptions } from '../requests.ts'
import { StaleCrumbError, yahooFetch } from './yahoo-fetch.ts'
import { newYahooClient, type YahooClient } from './yahoo-session.ts'

/** How Yahoo is called. */
export interface YahooDataProviderOptions {
  /** The service whose guards every request passes. Use the profile `DATA_PROVIDER`. */
  readonly service: Service
  /** What sends requests. Default: the global `fetch`. */
  readonly fetch?: typeof fetch | undefined
}

const INTERVALS = {
  '1Min': '1m',
  '5Min': '5m',
  '15Min': '15m',
  '1Hour': '1h',
  '1Day': '1d',
  '1Week': '1wk',
  '1Month': '1mo',
} as const satisfies Record<Timeframe, string>

const DAY_MS = 86_400_000

/** What the SDK says, in plain errors, of a 200 that makes no sense to it. */
const UNREADABLE = /^(Response\.ok where we expect JSON|Unexpected result)/

/**
 * Yahoo, guarded. Made by {@link createYahooDataProvider}. The SDK's client is made here and not handed in, because a stale
 * crumb is cured only by a new one.
 */
export class YahooDataProvider implements DataProvider {
  readonly service: Service
  readonly #fetch: typeof fetch
  #client: YahooClient = newYahooClient()

  constructor({ service, fetch: transport = fetch }: YahooDataProviderOptions) {
    this.service = service
    this.#fetch = transport
  }

  async getBars(symbol: string, query: BarsQuery, options?: RequestOptions): Promise<readonly Bar[]> {
    const ticker = checkedSymbol(symbol)
    const limit = checkedLimit(query.limit)
    const from = checkedTime('from', query.from)
    const to = checkedTime('to', query.to)
    const chart = {
      period1: new Date(from),
      // Yahoo leaves the end out; ours is in.
      period2: new Date(Date.parse(to) + (to.includes('T') ? 1_000 : DAY_MS)),
      interval: INTERVALS[query.timeframe],
      includePrePost: false,
      events: '',
      return: 'array' as const,
    }
    return await this.#ask('getBars', options, async (client, moduleOptions) => {
      const { quotes } = await client.chart(ticker, chart, moduleOptions)
      return quotes.flatMap(readBar).slice(0, limit)
    })
  }

  async getQuote(symbol: string, options?: RequestOptions): Promise<Quote> {
    const ticker = checkedSymbol(symbol)
    return await this.#ask('getQuote', options, async (client, moduleOptions) => {
      const quote: unknown = await client.quote(ticker, {}, moduleOptions)
      if (quote === undefined) throw unknownSymbol(ticker)
      return readQuote(ticker, new Answer(this.service.name, 'getQuote', quote))
    })
  }

  #ask<T>(
    operation: string,
    options: RequestOptions | undefined,
    ask: (client: YahooClient, moduleOptions: { fetch: typeof fetch }) => Promise<T>,
  ): Promise<Awaited<T>> {
    return this.service.execute(
      async (call) => {
        try {
          return await this.#withCrumb(call, ask)
        } catch (error) {
          throw this.#told(operation, error)
        }
      },
      { ...options, operation, idempotent: true },
    )
  }

  /** A crumb that has gone bad is replaced once, and the request repeated once. */
  async #withCrumb<T>(
    call: Call,
    ask: (client: YahooClient, moduleOptions: { fetch: typeof fetch }) => Promise<T>,
  ): Promise<T> {
    const client = this.#client
    const moduleOptions = { fetch: yahooFetch(this.service, call, this.#fetch) }
    try {
      return await ask(client, moduleOptions)
    } catch (error) {
      if (!(error instanceof StaleCrumbError)) throw error
      // Others may have seen it, too: one new client is enough for all.
      if (this.#client === client) this.#client = newYahooClient()
      return await ask(this.#client, moduleOptions)
    }
  }

  #told(operation: string, error: unknown): unknown {
    if (!(error instanceof Error) || error instanceof TradingError) return error
    if (error.name === 'FailedYahooValidationError' || UNREADABLE.test(error.message)) {
      return new MalformedAnswerError(this.service.name, operation, 'the SDK cannot read it', error)
    }
    const facts = describeFailure(error)
    if (facts.kind === 'cancelled' || facts.kind === 'ours') return error
    // An error of the network knows no address; what the SDK says by itself may have it, with its crumb.
    return new UpstreamRequestError(redactUrl(error.message), facts, facts.code === undefined ? undefined : error)
  }
}

/**
 * Yahoo through its SDK.
 *
 * @example
 * const yahoo = createYahooDataProvider({ service: resilience.service('yahoo') })
 * const bars = await yahoo.getBars('AAPL', { timeframe: '1Day', from: '2025-12-01', to: '2025-12-31' })
 */
export function createYahooDataProvider(options: YahooDataProviderOptions): YahooDataProvider {
  return new YahooDataProvider(options)
}

/** A stretch in which nothing was traded has no figures. */
function readBar(quote: {
  readonly date: Date
  readonly open: number | null
  readonly high: number | null
  readonly low: number | null
  readonly close: number | null
  readonly volume: number | null
}): Bar[] {
  const { date, open, high, low, close, volume } = quote
  if (open === null || high === null || low === null || close === null) return []
  return [{ at: date.getTime(), open, high, low, close, volume: volume ?? 0 }]
}

function readQuote(symbol: string, quote: Answer): Quote {
  return {
    symbol,
    at: quote.time('regularMarketTime'),
    bid: quote.number('bid'),
    bidSize: quote.number('bidSize'),
    ask: quote.number('ask'),
    askSize: quote.number('askSize'),
  }
}

function unknownSymbol(symbol: string): UpstreamRequestError {
  return new UpstreamRequestError(`Yahoo knows no symbol ${symbol}`, {
    code: 'YAHOO_404',
    status: 404,
    retryAfterMs: undefined,
  })
}
