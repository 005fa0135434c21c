import type { Market } from './market.ts'
import type { MarketClock } from './market-clock.ts'
import { MINUTE_MS } from './new-york-time.ts'

/** An order as far as the market is concerned. Times are market time, milliseconds since 1970; figures are decimal texts. */
export interface WorkingOrder {
  readonly symbol: string
  readonly side: 'buy' | 'sell'
  readonly qty: string
  readonly limitPrice: string | null
  readonly stopPrice: string | null
  /** Since when the market knows it. */
  readonly createdAt: number
  /** How much of it has been filled. */
  filledQty: number
  /** Up to when the market's minutes have been looked through. */
  watchedFrom: number
  /** Whether its stop price was reached; true for an order without one. */
  stopReached: boolean
  /** The time of the quote that it last took from; a quote gives what it shows once. */
  tookAt: number
}

/** So much at a price in dollars, at a market time. */
export interface Fill {
  readonly qty: number
  readonly price: number
  readonly at: number
}

/** How long an order takes to reach the market, in milliseconds of market time. */
export const FILL_AFTER_MS = 50

/** Sizes of quotes are in lots of so many shares. */
const LOT = 100

/** What an order still has to get. */
export function remainingQty({ qty, filledQty }: WorkingOrder): number {
  return withoutNoise(Number(qty) - filledQty)
}

/**
 * The next fill of an order, if there is one by now: in the minutes that passed since it was last looked at, else at the
 * quote, which gives no more than it shows. So an order whose price was reached between two looks is filled, and at that
 * price; and a large one is filled in parts, second by second.
 */
export function nextFill(order: WorkingOrder, market: Market, marketClock: MarketClock): Fill | undefined {
  const now = marketClock.now()
  const earliest = order.createdAt + FILL_AFTER_MS
  const remaining = remainingQty(order)
  if (now < earliest || remaining <= 0) return undefined
  if (now - order.watchedFrom >= MINUTE_MS) {
    for (const bar of market.bars(order.symbol, { amount: 1, unit: 'minute', from: order.watchedFrom, to: now })) {
      order.watchedFrom = bar.at + MINUTE_MS
      const price = priceWithin(order, bar)
      if (price !== undefined) return { qty: remaining, price, at: Math.max(bar.at, earliest) }
    }
  }
  if (!marketClock.isOpen(now)) return undefined
  const { at, bid, bidSize, ask, askSize } = market.quote(order.symbol)
  const quoted = order.side === 'buy' ? ask : bid
  const price = priceWithin(order, { open: quoted, high: quoted, low: quoted })
  if (price === undefined || order.tookAt === at) return undefined
  order.tookAt = at
  return { qty: Math.min(remaining, LOT * (order.side === 'buy' ? askSize : bidSize)), price, at: now }
}

/** The price at which an order is filled while prices move in that range; undefined when it is not. Notes a stop that is reached. */
function priceWithin(
  order: WorkingOrder,
  { open, high, low }: { readonly open: number; readonly high: number; readonly low: number },
): number | undefined {
  const buys = order.side === 'buy'
  const better = buys ? Math.min : Math.max
  const worse = buys ? Math.max : Math.min
  let from = open
  let justReached = false
  if (!order.stopReached) {
    const stop = Number(order.stopPrice)
    if (buys ? high < stop : low > stop) return undefined
    order.stopReached = justReached = true
    from = worse(open, stop)
  }
  if (order.limitPrice === null) return from
  const limit = Number(order.limitPrice)
  if (better(from, limit) === from) return from
  // What the price did after it reached the stop is not known within the range.
  if (justReached) return undefined
  return (buys ? low <= limit : high >= limit) ? limit : undefined
}

/** Shares come in parts of a billionth at the least; what binary fractions add beyond is noise. */
export function withoutNoise(qty: number): number {
  return Math.round(qty * 1e9) / 1e9
}
