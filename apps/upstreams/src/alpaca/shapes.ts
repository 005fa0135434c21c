/** Alpaca's JSON. Every key that the real service sends is there; figures of money are texts. */
import { createHash } from 'node:crypto'
import type { Bar } from '../market/bar.ts'
import { trailingStop, withoutNoise } from '../market/fills.ts'
import type { Market, Quote, Trade } from '../market/market.ts'
import type { Position } from '../market/portfolio.ts'
import type { Order, OrderFill } from './order.ts'
import { OPENING_CASH, type OrderBook } from './order-book.ts'

/** RFC 3339. */
export function timeText(at: number): string {
  return new Date(at).toISOString()
}

/** An id that is always the same for the same name. */
export function stableId(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  )
}

function maybeTime(at: number | null): string | null {
  return at === null ? null : timeText(at)
}

/** @param nested whether its legs are told with it */
export function orderJson(order: Order, nested = false): object {
  const { request, trail } = order
  return {
    id: order.id,
    client_order_id: order.clientOrderId,
    created_at: timeText(order.createdAt),
    updated_at: timeText(order.updatedAt),
    submitted_at: timeText(order.createdAt),
    filled_at: maybeTime(order.filledAt),
    expired_at: maybeTime(order.expiredAt),
    canceled_at: maybeTime(order.canceledAt),
    failed_at: maybeTime(order.failedAt),
    replaced_at: maybeTime(order.replacedAt),
    replaced_by: order.replacedBy,
    replaces: order.replaces,
    asset_id: stableId(order.symbol),
    symbol: order.symbol,
    asset_class: 'us_equity',
    notional: request.notional,
    qty: request.qty,
    filled_qty: String(order.filledQty),
    filled_avg_price: order.filledPrice === null ? null : priceText(order.filledPrice),
    order_class: request.orderClass === 'simple' ? '' : request.orderClass,
    order_type: request.type,
    type: request.type,
    side: order.side,
    position_intent: order.positionIntent,
    time_in_force: request.timeInForce,
    limit_price: order.limitPrice,
    stop_price: trail === null ? order.stopPrice : priceText(trailingStop(trail, order.side)),
    status: order.status,
    extended_hours: request.extendedHours,
    legs: nested && order.legs.length > 0 ? order.legs.map((leg) => orderJson(leg)) : null,
    trail_percent: request.trailPercent,
    trail_price: request.trailPrice,
    hwm: trail === null ? null : priceText(trail.best),
    subtag: null,
    source: null,
    expires_at: Number.isFinite(order.goodUntil) ? timeText(order.goodUntil) : null,
  }
}

export function accountJson(book: OrderBook, openedAt: number): object {
  book.settle()
  const { long, short } = book.values
  const equity = book.cash + long + short
  return {
    id: stableId('account'),
    account_number: 'PA3STANDIN01',
    status: 'ACTIVE',
    crypto_status: 'INACTIVE',
    currency: 'USD',
    buying_power: money(book.buyingPower),
    regt_buying_power: money(book.buyingPower),
    daytrading_buying_power: '0',
    non_marginable_buying_power: money(book.buyingPower),
    cash: money(book.cash),
    accrued_fees: '0',
    portfolio_value: money(equity),
    equity: money(equity),
    last_equity: money(OPENING_CASH),
    long_market_value: money(long),
    short_market_value: money(short),
    initial_margin: money((long - short) / 2),
    maintenance_margin: money((long - short) * 0.3),
    last_maintenance_margin: '0',
    sma: money(equity),
    multiplier: '1',
    daytrade_count: 0,
    pattern_day_trader: false,
    trading_blocked: false,
    transfers_blocked: false,
    account_blocked: false,
    trade_suspended_by_user: false,
    shorting_enabled: true,
    created_at: timeText(openedAt),
  }
}

export function positionJson({ symbol, qty, entryPrice }: Position, market: Market): object {
  const price = market.lastTrade(symbol).price
  const before = market.previousClose(symbol)
  const cost = qty * entryPrice
  const profit = qty * price - cost
  return {
    asset_id: stableId(symbol),
    symbol,
    exchange: 'NASDAQ',
    asset_class: 'us_equity',
    asset_marginable: true,
    avg_entry_price: priceText(entryPrice),
    qty: String(qty),
    qty_available: String(qty),
    side: qty >= 0 ? 'long' : 'short',
    market_value: money(qty * price),
    cost_basis: money(cost),
    unrealized_pl: money(profit),
    unrealized_plpc: share(profit, Math.abs(cost)),
    unrealized_intraday_pl: money(qty * (price - before)),
    unrealized_intraday_plpc: share(price - before, before),
    current_price: String(price),
    lastday_price: String(before),
    change_today: share(price - before, before),
  }
}

export function assetJson(symbol: string, name: string): object {
  return {
    id: stableId(symbol),
    class: 'us_equity',
    exchange: 'NASDAQ',
    symbol,
    name,
    status: 'active',
    tradable: true,
    marginable: true,
    maintenance_margin_requirement: 30,
    shortable: true,
    easy_to_borrow: true,
    fractionable: true,
    attributes: [],
  }
}

/** A fill as one of the account's activities. */
export function activityJson(
  order: Order,
  { id, at, qty, price, cumQty }: OrderFill,
): object & { readonly id: string } {
  const about = {
    activity_type: 'FILL',
    transaction_time: timeText(at),
    type: cumQty === Number(order.qty) ? 'fill' : 'partial_fill',
    order_id: order.id,
    symbol: order.symbol,
    side: order.side,
    qty: String(qty),
    cum_qty: String(cumQty),
    leaves_qty: String(withoutNoise(Number(order.qty) - cumQty)),
    price: priceText(price),
    order_status: order.status,
  }
  return { id: `${timeText(at).replace(/\D/g, '')}::${id}`, ...about }
}

export function barJson({ at, open, high, low, close, volume, trades, vwap }: Bar): object {
  return { t: timeText(at), o: open, h: high, l: low, c: close, v: volume, n: trades, vw: vwap }
}

export function tradeJson({ at, price, size }: Trade): object {
  return { t: timeText(at), x: 'V', p: price, s: size, c: ['@'], i: Math.floor(at / 1_000) % 1_000_000, z: 'C' }
}

export function quoteJson({ at, bid, bidSize, ask, askSize }: Quote): object {
  return { t: timeText(at), ax: 'V', ap: ask, as: askSize, bx: 'V', bp: bid, bs: bidSize, c: ['R'], z: 'C' }
}

/** Dollars and cents as a text. */
export function money(amount: number): string {
  return String(Math.round(amount * 100) / 100)
}

/** A price to a hundredth of a cent, as a text. */
function priceText(price: number): string {
  return String(Math.round(price * 10_000) / 10_000)
}

function share(part: number, whole: number): string {
  return whole === 0 ? '0' : String(Math.round((part / whole) * 1e6) / 1e6)
}
