/** The ticks of one symbol, put together to quotes. */
import { type Contract, EventName, IBApiTickType as Tick } from '@stoqey/ib'
import type { Clock } from 'holdfast'
import type { Quote } from '../data-provider.ts'
import type { TwsConnection } from './tws-connection.ts'

interface Ticks {
  bid: number
  bidSize: number
  ask: number
  askSize: number
}

export class QuoteStream {
  readonly #symbol: string
  readonly #clock: Clock
  readonly #listener: ((quote: Quote) => void) | undefined
  readonly #ticks: Partial<Ticks> = {}
  #at: number | undefined
  #stop: (() => void) | undefined

  /** @param listener told of each change, once bid and ask are known */
  constructor(symbol: string, clock: Clock, listener?: (quote: Quote) => void) {
    this.#symbol = symbol
    this.#clock = clock
    this.#listener = listener
  }

  /** The quote by now; undefined as long as bid or ask are not known. */
  get current(): Quote | undefined {
    const { bid, ask, bidSize = 0, askSize = 0 } = this.#ticks
    if (bid === undefined || ask === undefined) return undefined
    return { symbol: this.#symbol, at: this.#at ?? this.#clock.wallTime(), bid, bidSize, ask, askSize }
  }

  /** Asks for ticks on a connection. */
  start(connection: TwsConnection, contract: Contract): void {
    this.stop()
    const subscription = connection.subscribe({
      send: (api, reqId) => api.reqMktData(reqId, contract, '', false, false),
      cancel: (api, reqId) => api.cancelMktData(reqId),
      events: {
        [EventName.tickPrice]: (tick, price) => this.hearPrice(tick, price),
        [EventName.tickSize]: (tick, size) => this.hearSize(tick, size),
      },
    })
    this.#stop = subscription
  }

  stop(): void {
    this.#stop?.()
    this.#stop = undefined
  }

  hearPrice(tick: unknown, price: unknown): void {
    // TWS says −1 where there is no price.
    if (typeof price !== 'number' || price <= 0) return
    if (tick === Tick.BID) this.#hear('bid', price)
    if (tick === Tick.ASK) this.#hear('ask', price)
  }

  hearSize(tick: unknown, size: unknown): void {
    if (typeof size !== 'number') return
    if (tick === Tick.BID_SIZE) this.#hear('bidSize', size)
    if (tick === Tick.ASK_SIZE) this.#hear('askSize', size)
  }

  /** @param text seconds since 1970 */
  hearTime(text: unknown): void {
    const seconds = Number(text)
    if (Number.isFinite(seconds) && seconds > 0) this.#at = seconds * 1_000
  }

  #hear(field: keyof Ticks, figure: number): void {
    if (this.#ticks[field] === figure) return
    this.#ticks[field] = figure
    const quote = this.current
    if (quote !== undefined) this.#listener?.(quote)
  }
}
