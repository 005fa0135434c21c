import { randomUUID } from 'node:crypto'
import type { Trail } from '../market/fills.ts'
import type { Market } from '../market/market.ts'
import type { MarketClock } from '../market/market-clock.ts'
import { MINUTE_MS } from '../market/new-york-time.ts'
import type { Order, OrderRequest } from './order.ts'
import type { Origin } from './order-book.ts'

/** What an order is born into. */
export interface Birth {
  readonly origin: Origin
  readonly replaces: string | null
  readonly market: Market
  readonly marketClock: MarketClock
  readonly bookedAt: number
}

/** An order as it enters the books. */
export function newOrder(request: OrderRequest, birth: Birth, parent: Order | null = null): Order {
  const { origin, replaces, market, marketClock, bookedAt } = birth
  const now = marketClock.now()
  const trail = trailOf(request, market)
  const { workingSince, goodUntil } = timesOf(request.timeInForce, marketClock)
  return {
    id: randomUUID(),
    request,
    clientOrderId: request.clientOrderId,
    intent: origin.intent,
    symbol: request.symbol,
    side: request.side,
    qty: request.qty ?? sharesFor(request, market),
    limitPrice: request.limitPrice,
    stopPrice: request.stopPrice,
    trail,
    positionIntent: request.positionIntent ?? (request.side === 'buy' ? 'buy_to_open' : 'sell_to_close'),
    createdAt: now,
    bookedAt,
    replaces,
    parent,
    legs: [],
    fills: [],
    isTurnedDown: origin.isTurnedDown ?? false,
    status: statusOf(parent, marketClock),
    updatedAt: now,
    filledAt: null,
    canceledAt: null,
    expiredAt: null,
    failedAt: null,
    replacedAt: null,
    replacedBy: null,
    filledPrice: null,
    cancelDueAt: null,
    workingSince,
    goodUntil,
    filledQty: 0,
    watchedFrom: workingSince,
    stopReached: request.stopPrice === null && trail === null,
    tookAt: 0,
  }
}

/** The ways out of a position that an order of a class brings with it. */
export function legsOf(parent: Order, birth: Birth): readonly Order[] {
  const { request } = parent
  const { orderClass, takeProfit, stopLoss } = request
  if (orderClass === 'simple') return []
  const exit: OrderRequest = {
    ...request,
    side: orderClass === 'oco' ? request.side : request.side === 'buy' ? 'sell' : 'buy',
    orderClass: 'simple',
    takeProfit: null,
    stopLoss: null,
    positionIntent: null,
    type: 'limit',
    limitPrice: takeProfit,
    stopPrice: null,
    clientOrderId: randomUUID(),
  }
  // Of an OCO order, the order itself is the one that takes the profit.
  const profit = takeProfit === null || orderClass === 'oco' ? [] : [exit]
  const loss: OrderRequest[] =
    stopLoss === null
      ? []
      : [
          {
            ...exit,
            ...stopLoss,
            type: stopLoss.limitPrice === null ? 'stop' : 'stop_limit',
            clientOrderId: randomUUID(),
          },
        ]
  return [...profit, ...loss].map((leg) => newOrder(leg, { ...birth, replaces: null }, parent))
}

function statusOf(parent: Order | null, marketClock: MarketClock): Order['status'] {
  if (parent !== null) return 'held'
  return marketClock.isOpen() ? 'pending_new' : 'accepted'
}

/** From when to when an order is in the market. */
function timesOf(
  timeInForce: string,
  marketClock: MarketClock,
): { readonly workingSince: number; readonly goodUntil: number } {
  const now = marketClock.now()
  const opens = marketClock.nextOpen(now)
  const closes = marketClock.nextClose(now)
  switch (timeInForce) {
    case 'gtc':
      return { workingSince: now, goodUntil: Number.POSITIVE_INFINITY }
    case 'opg':
      return { workingSince: opens, goodUntil: opens + MINUTE_MS }
    case 'cls':
      return { workingSince: Math.max(now, closes - MINUTE_MS), goodUntil: closes }
    default:
      return { workingSince: now, goodUntil: closes }
  }
}

/** For so many dollars, so many shares: to a billionth. */
function sharesFor({ symbol, side, notional }: OrderRequest, market: Market): string {
  const { bid, ask } = market.quote(symbol)
  return String(Math.floor((Number(notional) / (side === 'buy' ? ask : bid)) * 1e9) / 1e9)
}

function trailOf({ symbol, trailPrice, trailPercent }: OrderRequest, market: Market): Trail | null {
  const distance = trailPrice ?? trailPercent
  if (distance === null) return null
  const unit = trailPrice === null ? 'percent' : 'dollars'
  return { distance: Number(distance), unit, best: market.lastTrade(symbol).price }
}
