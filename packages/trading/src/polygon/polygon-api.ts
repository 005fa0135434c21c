/** What Polygon's and Massive's SDKs have in common: one service, one set of answers, two ways of calling it. */
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
import { InvalidRequestError, MalformedAnswerError, TradingError, UpstreamRequestError } from '../errors.ts'
import { redactUrl } from '../redact.ts'
import { checkedSymbol, checkedTime, type RequestOptions } from '../requests.ts'

/** What bars are asked for, as the API wants it. */
export interface AggregatesRequest {
  readonly ticker: string
  readonly timeframe: Timeframe
  readonly from: string
  readonly to: string
  readonly limit: number
}

/** One SDK's way of asking. */
export interface PolygonCalls {
  aggregates(request: AggregatesRequest, signal: AbortSignal): Promise<unknown>
  lastQuote(ticker: string, signal: AbortSignal): Promise<unknown>
}

/** Statuses within an answer that mean that it is one. */
const GOOD = new Set(['OK', 'DELAYED'])

/** Bars and quotes of Polygon (Massive), through one of its SDKs. */
export abstract class PolygonApi implements DataProvider {
  readonly service: Service
  readonly #calls: PolygonCalls

  constructor(service: Service, calls: PolygonCalls) {
    this.service = service
    this.#calls = calls
  }

  async getBars(symbol: string, query: BarsQuery, options?: RequestOptions): Promise<readonly Bar[]> {
    const limit = checkedLimit(query.limit)
    const request = {
      ticker: checkedSymbol(symbol),
      timeframe: query.timeframe,
      from: edgeOf('from', query.from),
      to: edgeOf('to', query.to),
      limit,
    }
    return await this.#ask('getBars', options, async ({ signal }) => {
      const answer = this.#answer('getBars', await this.#calls.aggregates(request, signal))
      const bars = answer.list('results').map(readBar)
      if (bars.length <= limit) return bars
      // An SDK that follows pages by itself makes requests that no limiter counts.
      throw new InvalidRequestError(
        'client',
        'one with pagination',
        'make it with { pagination: false }: pages are requests',
      )
    })
  }

  async getQuote(symbol: string, options?: RequestOptions): Promise<Quote> {
    const ticker = checkedSymbol(symbol)
    return await this.#ask('getQuote', options, async ({ signal }) =>
      readQuote(ticker, this.#answer('getQuote', await this.#calls.lastQuote(ticker, signal)).part('results')),
    )
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
