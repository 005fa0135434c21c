import type { Market } from '../market/market.ts'
import type { MarketClock } from '../market/market-clock.ts'
import { MINUTE_MS } from '../market/new-york-time.ts'
import type { Order } from './orders.ts'

/** At what price an order is filled, in dollars, and when, in market time. */
export interface Fill {
  readonly price: number
  readonly at: number
}

/** How long an order takes to reach the market, in milliseconds of market time. */
const FILL_AFTER_MS = 50

/**
 * How an order has been filled by now, if it has: in the minutes that passed since it was last looked at, else at the quote.
 * So an order whose price was reached between two looks is filled, and at that price.
 */
export function fillOf(order: Order, market: Market, marketClock: MarketClock): Fill | undefined {
  const now = marketClock.now()
  const earliest = order.createdAt + FILL_AFTER_MS
  if (now < earliest) return undefined
  if (now - order.watchedFrom >= MINUTE_MS) {
    for (const bar of market.bars(order.symbol, { amount: 1, unit: 'minute', from: order.watchedFrom, to: now })) {
      order.watchedFrom = bar.at + MINUTE_MS
      const price = priceWithin(order, bar)
      if (price !== undefined) return { price, at: Math.max(bar.at, earliest) }
    }
  }
  if (!marketClock.isOpen(now)) return undefined
  const { bid, ask } = market.quote(order.symbol)
  const quoted = order.side === 'buy' ? ask : bid
  const price = priceWithin(order, { open: quoted, high: quoted, low: quoted })
  return price === undefined ? undefined : { price, at: now }
}

/** The price at which an order is filled while prices move in that range; undefined when it is not. Notes a stop that is reached. */
function priceWithin(
  order: Order,
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
