/** Messages about orders, as a server of version 176 lays them out. */
import { remainingQty } from '../../market/fills.ts'
import { clockText } from '../time-text.ts'
import type { Execution, TwsOrder } from '../tws-order.ts'
import type { Field } from './frame.ts'
import { ANSWER } from './message-ids.ts'

/** So many empty fields. */
function empty(count: number): readonly null[] {
  return new Array<null>(count).fill(null)
}

function zeros(count: number): readonly number[] {
  return new Array<number>(count).fill(0)
}

/** Id, symbol, kind, expiry, strike, right, multiplier, exchange, currency, local symbol, class. */
function contractFields({ contract: { conId, symbol, secType, exchange, currency } }: TwsOrder): readonly Field[] {
  return [conId, symbol, secType, null, 0, null, null, exchange, currency, symbol, symbol]
}

function action({ side }: TwsOrder): string {
  return side === 'buy' ? 'BUY' : 'SELL'
}

export function openOrder(order: TwsOrder): readonly Field[] {
  const { orderId, qty, orderType, limitPrice, stopPrice, timeInForce, account, orderRef, clientId, permId } = order
  return [
    ANSWER.OPEN_ORDER,
    orderId,
    ...contractFields(order),
    ...[action(order), qty, orderType, limitPrice ?? 0, stopPrice ?? 0, timeInForce, null, account, null, 0],
    ...[orderRef, clientId, permId],
    // Outside hours, hidden, discretionary amount, good after, shares allocation.
    ...[0, 0, 0, null, null],
    // Group, method, percentage and profile of an advisor; model; good till; rule 80A; offset; settling firm.
    ...empty(9),
    // Short sale: slot, location, exempt code. Auction.
    ...[0, null, -1, 0],
    // Starting, stock and delta prices; range; displayed size.
    ...empty(6),
    // Block, sweep, all or none; least quantity; group type; trade and quote only; price cap; parent; trigger.
    ...[0, 0, 0, null, 3, 0, 0, null, order.parentId, 0],
    // Volatility, its type, delta neutral type and price, continuous update, reference.
    ...[null, 0, null, null, 0, 0],
    // Trail stop and percentage, basis points and their type, combination and its three counts.
    ...[null, null, null, null, null, 0, 0, 0],
    // Scale: three; hedge; smart routing; clearing account and intent; not held; delta neutral contract.
    ...[null, null, null, null, 0, null, null, 0, 0],
    // Algorithm, solicited, what if.
    ...[null, 0, 0],
    order.state,
    // Margins before, change and after; commissions; their currency; warning.
    ...empty(14),
    // Random size and price, conditions.
    ...zeros(3),
    ...['None', null, null, null, null, null, null, 0],
    // Soft dollars, cash quantity.
    ...empty(4),
    // Hedge price, container, discretion up to the limit, price management.
    ...zeros(4),
    // Duration, post to ATS, cancel with parent; five of pegged orders.
    ...[null, null, 0],
    ...empty(5),
  ]
}

export function orderStatus(order: TwsOrder): readonly Field[] {
  const { orderId, state, filledQty, avgFillPrice, permId, parentId, clientId } = order
  const lastPrice = order.executions.at(-1)?.price ?? 0
  const told = [filledQty, remainingQty(order), avgFillPrice, permId, parentId, lastPrice, clientId]
  return [ANSWER.ORDER_STATUS, orderId, state, ...told, null, 0]
}

/** @param reqId the request that it answers; -1 for news */
export function execution(order: TwsOrder, trade: Execution, reqId = -1): readonly Field[] {
  const { conId, symbol, secType, exchange, currency } = order.contract
  return [
    ...[ANSWER.EXECUTION, reqId, order.orderId],
    ...[conId, symbol, secType, null, 0, null, null, exchange, currency, symbol, symbol],
    ...[trade.execId, clockText(trade.at), order.account, exchange, order.side === 'buy' ? 'BOT' : 'SLD'],
    ...[trade.qty, trade.price, order.permId, order.clientId, 0, trade.cumQty, trade.avgPrice, order.orderRef],
    // Valuation rule and multiplier, model, liquidity: it took.
    ...[null, null, null, 2],
  ]
}

export function commissionReport({ execId, commission }: Execution): readonly Field[] {
  return [ANSWER.COMMISSION_REPORT, 1, execId, commission, 'USD', Number.MAX_VALUE, Number.MAX_VALUE, null]
}

export function completedOrder(order: TwsOrder): readonly Field[] {
  const { qty, orderType, limitPrice, stopPrice, timeInForce, account, orderRef, permId, state } = order
  return [
    ANSWER.COMPLETED_ORDER,
    ...contractFields(order),
    ...[action(order), qty, orderType, limitPrice ?? 0, stopPrice ?? 0, timeInForce, null, account, null, 0],
    ...[orderRef, permId],
    // Outside hours, hidden, discretionary amount, good after.
    ...[0, 0, 0, null],
    // Group, method and percentage of an advisor; model; good till; rule 80A; offset; settling firm.
    ...empty(8),
    // Short sale.
    ...[0, null, -1],
    // Starting, stock and delta prices; range; displayed size.
    ...empty(6),
    // Sweep, all or none, least quantity, group type, trigger.
    ...[0, 0, null, 3, 0],
    // Volatility, its type, delta neutral type and price, continuous update, reference.
    ...[null, 0, null, null, 0, 0],
    // Trail stop and percentage, combination and its three counts.
    ...[null, null, null, 0, 0, 0],
    // Scale: three; hedge; clearing account and intent; not held; delta neutral contract; algorithm; solicited.
    ...[null, null, null, null, null, null, 0, 0, null, 0],
    state,
    // Random size and price, conditions; trail stop and limit offset; cash quantity.
    ...[0, 0, 0, null, null, null],
    // Hedge price, container; cancelled on; filled; future; cancel with parent; shareholder; imbalance; route; parent.
    ...[0, 0, null, order.filledQty, 0, 0, null, 0, 0, 0],
    ...[order.completedAt === null ? null : clockText(order.completedAt), `${state} Size: ${order.filledQty}`],
    ...empty(5),
  ]
}
