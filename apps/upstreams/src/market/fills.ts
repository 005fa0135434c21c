import type { Market } from './market.ts'
import type { MarketClock } from './market-clock.ts'
import { MINUTE_MS } from './new-york-time.ts'

/** A stop price that follows the market at a distance. */
export interface Trail {
  readonly distance: number
  readonly unit: 'dollars' | 'percent'
  /** The best price so far: the highest for an order to sell, the lowest for one to buy. */
  best: number
}

/** An order as far as the market is concerned. Times are market time, milliseconds since 1970; figures are decimal texts. */
export interface WorkingOrder {
  readonly symbol: string
  readonly side: 'buy' | 'sell'
  readonly qty: string
  readonly limitPrice: string | null
  readonly stopPrice: string | null
  readonly trail: Trail | null
  /** Since when it is in the market. */
  workingSince: number
  /** From when on it can no longer be filled. */
  readonly goodUntil: number
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

/** Whether an order has had the time that it takes to reach the market. */
export function isAtMarket({ workingSince }: WorkingOrder, marketClock: MarketClock): boolean {
  return marketClock.isOpen() && marketClock.now() >= workingSince + FILL_AFTER_MS
}

/** The price at which a trailing stop is set off by now. */
export function trailingStop({ distance, unit, best }: Trail, side: 'buy' | 'sell'): number {
  const away = unit === 'dollars' ? distance : (best * distance) / 100
  return Math.round((side === 'sell' ? best - away : best + away) * 10_000) / 10_000
}

/**
 * The next fill of an order, if there is one by now: in the minutes that passed since it was last looked at, else at the
 * quote, which gives no more than it shows. So an order whose price was reached between two looks is filled, and at that
 * price; and a large one is filled in parts, second by second.
 */
export function nextFill(order: WorkingOrder, market: Market, marketClock: MarketClock): Fill | undefined {
  const now = marketClock.now()
  const earliest = order.workingSince + FILL_AFTER_MS
  const remaining = remainingQty(order)
  if (now < earliest || remaining <= 0) return undefined
  if (now - order.watchedFrom >= MINUTE_MS) {
    const to = Math.min(now, order.goodUntil - 1)
    for (const bar of market.bars(order.symbol, { amount: 1, unit: 'minute', from: order.watchedFrom, to })) {
      order.watchedFrom = bar.at + MINUTE_MS
      const price = priceWithin(order, bar)
      if (price !== undefined) return { qty: remaining, price, at: Math.max(bar.at, earliest) }
    }
  }
  if (!marketClock.isOpen(now) || now >= order.goodUntil) return undefined
  const { at, bid, bidSize, ask, askSize } = market.quote(order.symbol)
  const quoted = order.side === 'buy' ? ask : bid
  const price = priceWithin(order, { open: quoted, high: quoted, low: quoted })
  if (price === undefined || order.tookAt === at) return undefined
  order.tookAt = at
  return { qty: Math.min(remaining, LOT * (order.side === 'buy' ? askSize : bidSize)), price, at: now }
}

interface Range {
  readonly open: number
  readonly high: number
  readonly low: number
}

/** The price at which an order is filled while prices move in that range; undefined when it is not. Notes a stop that is reached. */
function priceWithin(order: WorkingOrder, range: Range): number | undefined {
  const { open, high, low } = range
  const buys = order.side === 'buy'
  const better = buys ? Math.min : Math.max
  let from = open
  let justReached = false
  if (!order.stopReached) {
    const reached = stopReachedAt(order, range)
    if (reached === undefined) return undefined
    order.stopReached = justReached = true
    from = reached
  }
  if (order.limitPrice === null) return from
  const limit = Number(order.limitPrice)
  if (better(from, limit) === from) return from
  // What the price did after it reached the stop is not known within the range.
  if (justReached) return undefined
  return (buys ? low <= limit : high >= limit) ? limit : undefined
}

/** The price at which a stop is set off while prices move in that range. One that trails follows a range that it survives. */
function stopReachedAt(order: WorkingOrder, { open, high, low }: Range): number | undefined {
  const buys = order.side === 'buy'
  const { trail } = order
  const stop = trail === null ? Number(order.stopPrice) : trailingStop(trail, order.side)
  if (buys ? high >= stop : low <= stop) return buys ? Math.max(open, stop) : Math.min(open, stop)
  if (trail !== null) trail.best = buys ? Math.min(trail.best, low) : Math.max(trail.best, high)
  return undefined
}

/** Shares come in parts of a billionth at the least; what binary fractions add beyond is noise. */
export function withoutNoise(qty: number): number {
  return Math.round(qty * 1e9) / 1e9
}
