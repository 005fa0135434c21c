import type { Contract } from './contracts.ts'
import type { TwsServer } from './tws-server.ts'
import type { TwsSession } from './tws-session.ts'
import { lastTimestamp, TICK, tickPrice, tickSize } from './wire/messages.ts'

/** How many lines of market data a client may have at a time. */
export const MOST_LINES = 100

interface Subscription {
  readonly contract: Contract
  /** How old the data is made to look, in milliseconds. */
  readonly ageMs: number
  /** What was told last, by kind of tick. */
  readonly told: Map<number, number>
}

/** The market data that one client has asked for. */
export class Subscriptions {
  readonly #session: TwsSession
  readonly #tws: TwsServer
  readonly #byRequest = new Map<number, Subscription>()

  constructor(session: TwsSession, tws: TwsServer) {
    this.#session = session
    this.#tws = tws
  }

  get size(): number {
    return this.#byRequest.size
  }

  has(reqId: number): boolean {
    return this.#byRequest.has(reqId)
  }

  add(reqId: number, contract: Contract, ageMs: number): void {
    const subscription = { contract, ageMs, told: new Map<number, number>() }
    this.#byRequest.set(reqId, subscription)
    this.#tell(reqId, subscription)
  }

  /** @returns whether there was one */
  remove(reqId: number): boolean {
    return this.#byRequest.delete(reqId)
  }

  clear(): void {
    this.#byRequest.clear()
  }

  /** Tells what has changed. */
  beat(): void {
    if (this.#tws.isLost) return
    for (const [reqId, subscription] of this.#byRequest) this.#tell(reqId, subscription)
  }

  #tell(reqId: number, { contract, ageMs, told }: Subscription): void {
    for (const { tick, price, size } of ticksOf(this.#tws, contract)) {
      if (told.get(tick) === price) continue
      told.set(tick, price)
      this.#session.send(tickPrice(reqId, tick, price, size))
      this.#session.send(tickSize(reqId, tick, size))
      if (tick === TICK.LAST) this.#session.send(lastTimestamp(reqId, this.#tws.marketClock.now() - ageMs))
    }
  }
}

/** Bid, ask and last price by now. */
export function ticksOf(
  { market }: TwsServer,
  { symbol }: Contract,
): readonly { readonly tick: number; readonly price: number; readonly size: number }[] {
  const { bid, bidSize, ask, askSize } = market.quote(symbol)
  const { price, size } = market.lastTrade(symbol)
  return [
    { tick: TICK.BID, price: bid, size: bidSize * 100 },
    { tick: TICK.ASK, price: ask, size: askSize * 100 },
    { tick: TICK.LAST, price, size },
  ]
}
