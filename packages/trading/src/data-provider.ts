import type { Service } from 'holdfast'
import { InvalidRequestError } from './errors.ts'
import type { RequestOptions } from './requests.ts'

/** Lengths of bars. */
export type Timeframe = '1Min' | '5Min' | '15Min' | '1Hour' | '1Day' | '1Week' | '1Month'

/** All of them. */
export const TIMEFRAMES: readonly Timeframe[] = ['1Min', '5Min', '15Min', '1Hour', '1Day', '1Week', '1Month']

/** Which bars. */
export interface BarsQuery {
  readonly timeframe: Timeframe
  /** From when: `2026-01-05` or `2026-01-05T14:30:00Z`. */
  readonly from: string
  /** Until when, the end included. */
  readonly to: string
  /** How many at most. Default 5,000; at most 50,000. */
  readonly limit?: number | undefined
}

/** What was traded in a stretch of time. */
export interface Bar {
  /** When the stretch begins, in milliseconds since 1970. */
  readonly at: number
  readonly open: number
  readonly high: number
  readonly low: number
  readonly close: number
  readonly volume: number
}

/** The best bid and offer. */
export interface Quote {
  readonly symbol: string
  /** When, in milliseconds since 1970. */
  readonly at: number
  readonly bid: number
  readonly bidSize: number
  readonly ask: number
  readonly askSize: number
}

/** A provider of market data behind its service's guards. Every method throws what {@link Service.execute} throws. */
export interface DataProvider {
  /** The service that guards it. */
  readonly service: Service
  /** Bars, oldest first, in one request. @throws InvalidRequestError before anything is sent */
  getBars(symbol: string, query: BarsQuery, options?: RequestOptions): Promise<readonly Bar[]>
  getQuote(symbol: string, options?: RequestOptions): Promise<Quote>
}

/** How many bars at most. @throws InvalidRequestError */
export function checkedLimit(limit = 5_000): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= 50_000) return limit
  throw new InvalidRequestError('limit', limit, 'it must be a whole number from 1 to 50,000')
}
