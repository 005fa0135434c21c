/** Market data of Interactive Brokers, behind a service's guards and within its pace. */
import { BarSizeSetting, type Contract, EventName, IBApiTickType as Tick, WhatToShow } from '@stoqey/ib'
import { type Clock, type Service, systemClock, type Unsubscribe } from 'holdfast'
import {
  type Bar,
  type BarsQuery,
  checkedLimit,
  type DataProvider,
  type Quote,
  type Timeframe,
} from '../data-provider.ts'
import { MalformedAnswerError } from '../errors.ts'
import { checkedSymbol, checkedTime, type RequestOptions } from '../requests.ts'
import { HistoryPacing } from './history-pacing.ts'
import { told } from './interactive-brokers-adapter.ts'
import { type ContractFor, usStock } from './order-shapes.ts'
import { QuoteStream } from './quote-stream.ts'
import type { TwsLink } from './tws-link.ts'

/** Who asks, and over which link. */
export interface InteractiveBrokersDataProviderOptions {
  /** The service whose guards every request passes. Use the profile `DATA_PROVIDER`. */
  readonly service: Service
  /** The link to TWS: `connectToTws(…)`. */
  readonly tws: TwsLink
  /** How symbols become contracts. Default: stocks of the United States. */
  readonly contractFor?: ContractFor | undefined
  /** Source of time. Default: the system's. */
  readonly clock?: Clock | undefined
}

const SIZES = {
  '1Min': [BarSizeSetting.MINUTES_ONE, 60_000],
  '5Min': [BarSizeSetting.MINUTES_FIVE, 300_000],
  '15Min': [BarSizeSetting.MINUTES_FIFTEEN, 900_000],
  '1Hour': [BarSizeSetting.HOURS_ONE, 3_600_000],
  '1Day': [BarSizeSetting.DAYS_ONE, 86_400_000],
  '1Week': [BarSizeSetting.WEEKS_ONE, 604_800_000],
  '1Month': [BarSizeSetting.MONTHS_ONE, 2_678_400_000],
} as const satisfies Record<Timeframe, readonly [BarSizeSetting, number]>

const DAY_MS = 86_400_000

/** Interactive Brokers' market data, guarded. Made by {@link createInteractiveBrokersDataProvider}. */
export class InteractiveBrokersDataProvider implements DataProvider {
  readonly service: Service
  readonly #link: TwsLink
  readonly #contractFor: ContractFor
  readonly #clock: Clock
  readonly #pacing: HistoryPacing

  constructor({ service, tws, contractFor = usStock, clock = systemClock }: InteractiveBrokersDataProviderOptions) {
    this.service = service
    this.#link = tws
    this.#contractFor = contractFor
    this.#clock = clock
    this.#pacing = new HistoryPacing(clock)
  }

  /** Waits for as long as the pace of historical data asks for: give it time. */
  async getBars(symbol: string, query: BarsQuery, options?: RequestOptions): Promise<readonly Bar[]> {
    const contract = this.#contractFor(checkedSymbol(symbol))
    const limit = checkedLimit(query.limit)
    const from = Date.parse(checkedTime('from', query.from))
    const until = checkedTime('to', query.to)
    const to = Date.parse(until) + (until.includes('T') ? 0 : DAY_MS - 1)
    return await this.#ask('getBars', options, async (signal) => {
      const bars = await this.#history(contract, query.timeframe, from, to, signal)
      return bars.filter(({ at }) => at >= from && at <= to).slice(0, limit)
    })
  }

  async getQuote(symbol: string, options?: RequestOptions): Promise<Quote> {
    const name = checkedSymbol(symbol)
    return await this.#ask('getQuote', options, async (signal) => {
      const connection = await this.#link.readyInTurn(signal)
      const quote = new QuoteStream(name, this.#clock)
      await connection.converse<void>(
        {
          operation: 'quote',
          send: (api, reqId) => api.reqMktData(reqId, this.#contractFor(name), '', true, false),
          events: {
            [EventName.tickPrice]: (reqId, answered, tick, price) => {
              if (answered === reqId) quote.hearPrice(tick, price)
              return false
            },
            [EventName.tickSize]: (reqId, answered, tick, size) => {
              if (answered === reqId) quote.hearSize(tick, size)
              return false
            },
            [EventName.tickString]: (reqId, answered, tick, text) => {
              if (answered === reqId && tick === Tick.LAST_TIMESTAMP) quote.hearTime(text)
              return false
            },
            [EventName.tickSnapshotEnd]: (reqId, answered) => answered === reqId,
          },
          result: () => undefined,
          cancel: (api, reqId) => api.cancelMktData(reqId),
        },
        signal,
      )
      const whole = quote.current
      if (whole !== undefined) return whole
      throw new MalformedAnswerError(this.service.name, 'getQuote', `it lacks bid or ask of ${name}`)
    })
  }

  /**
   * Tells quotes as they change, also after the connection was lost and made again, and after TWS has lost its data (1101).
   *
   * @returns a function that ends it
   */
  streamQuotes(symbol: string, listener: (quote: Quote) => void): Unsubscribe {
    const name = checkedSymbol(symbol)
    const stream = new QuoteStream(name, this.#clock, listener)
    const contract = this.#contractFor(name)
    return this.#link.keep({ start: (connection) => stream.start(connection, contract) }, () => stream.stop())
  }

  async #history(
    contract: Contract,
    timeframe: Timeframe,
    from: number,
    to: number,
    signal: AbortSignal,
  ): Promise<readonly Bar[]> {
    const [size, barMs] = SIZES[timeframe]
    const end = Math.min(to, this.#clock.wallTime())
    const duration = durationText(Math.max(end - from, barMs))
    const about = `${contract.symbol} ${contract.exchange} TRADES`
    const done = await this.#pacing.enter(
      { identity: `${about} ${timeframe} ${end} ${duration}`, contract: about, cost: 1 },
      signal,
    )
    try {
      const connection = await this.#link.readyInTurn(signal)
      const bars: Bar[] = []
      return await connection.converse(
        {
          operation: 'historical data',
          send: (api, reqId) =>
            api.reqHistoricalData(reqId, contract, endText(end), duration, size, WhatToShow.TRADES, 1, 2, false),
          events: {
            [EventName.historicalData]: (reqId, answered, time, ...figures) => {
              if (answered !== reqId) return false
              if (String(time).startsWith('finished')) return true
              bars.push(this.#readBar(String(time), figures))
              return false
            },
          },
          result: () => bars,
          cancel: (api, reqId) => api.cancelHistoricalData(reqId),
        },
        signal,
      )
    } finally {
      done()
    }
  }

  /** Open, high, low, close, volume. */
  #readBar(time: string, figures: readonly unknown[]): Bar {
    const [open, high, low, close, volume] = figures
    const at = timeOf(time)
    const isWhole = [at, open, high, low, close].every(
      (figure) => typeof figure === 'number' && Number.isFinite(figure),
    )
    if (
      isWhole &&
      typeof open === 'number' &&
      typeof high === 'number' &&
      typeof low === 'number' &&
      typeof close === 'number'
    ) {
      return { at, open, high, low, close, volume: typeof volume === 'number' ? Math.max(0, volume) : 0 }
    }
    throw new MalformedAnswerError(this.service.name, 'getBars', `a bar of ${time} lacks its figures`)
  }

  #ask<T>(
    operation: string,
    options: RequestOptions | undefined,
    ask: (signal: AbortSignal) => Promise<T>,
  ): Promise<Awaited<T>> {
    return this.service.execute(
      async ({ signal }) => {
        try {
          return await ask(signal)
        } catch (error) {
          throw told(this.service.name, error)
        }
      },
      { ...options, operation, idempotent: true },
    )
  }
}

/**
 * Interactive Brokers' market data over a link to TWS.
 *
 * @example
 * const data = createInteractiveBrokersDataProvider({ tws, service: resilience.service('ib-data') })
 * const stop = data.streamQuotes('AAPL', ({ bid, ask }) => console.log(bid, ask))
 */
export function createInteractiveBrokersDataProvider(
  options: InteractiveBrokersDataProviderOptions,
): InteractiveBrokersDataProvider {
  return new InteractiveBrokersDataProvider(options)
}

/** Seconds of up to a day, days of up to a year, years beyond: what TWS takes. */
function durationText(durationMs: number): string {
  if (durationMs <= DAY_MS) return `${Math.ceil(durationMs / 1_000)} S`
  const days = Math.ceil(durationMs / DAY_MS)
  return days <= 365 ? `${days} D` : `${Math.ceil(days / 365)} Y`
}

/** In universal time: `20260105-15:00:00`. */
function endText(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replaceAll(/-/g, '').replace('T', '-')
}

/** Seconds since 1970, or a day in New York: `20260105`. */
function timeOf(text: string): number {
  if (/^\d{9,11}$/.test(text)) return Number(text) * 1_000
  const [, year, month, day] = /^(\d{4})(\d{2})(\d{2})$/.exec(text) ?? []
  return year === undefined ? Number.NaN : newYorkMidnight(Number(year), Number(month), Number(day))
}

const hourInNewYork = new Intl.DateTimeFormat('en-US', {
  timeZone: 'America/New_York',
  hour: 'numeric',
  hourCycle: 'h23',
})

/** When a day begins in New York: four or five hours after it began in Greenwich. */
function newYorkMidnight(year: number, month: number, day: number): number {
  const four = Date.UTC(year, month - 1, day, 4)
  return Number(hourInNewYork.format(four)) === 0 ? four : four + 3_600_000
}
