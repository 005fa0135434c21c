import type { Answer } from '../answer.ts'
import type { Account, Position } from '../broker/account.ts'
import type { Order } from '../broker/order.ts'

/** @throws MalformedAnswerError */
export function readAccount(answer: Answer): Account {
  return {
    id: answer.text('id'),
    status: answer.text('status'),
    currency: answer.text('currency'),
    cash: answer.decimal('cash'),
    buyingPower: answer.decimal('buyingPower'),
    equity: answer.decimal('equity'),
    tradingBlocked: answer.flag('tradingBlocked'),
  }
}

/** @throws MalformedAnswerError */
export function readPosition(answer: Answer): Position {
  return {
    symbol: answer.text('symbol'),
    side: answer.text('side'),
    quantity: answer.decimal('qty'),
    averageEntryPrice: answer.decimal('avgEntryPrice'),
    marketValue: answer.decimal('marketValue'),
    costBasis: answer.decimal('costBasis'),
    unrealizedProfit: answer.decimal('unrealizedPl'),
    currentPrice: answer.decimal('currentPrice'),
  }
}

/**
 * States from which an order does not come back; of one that is new to us it is assumed that it may. One that is
 * `done_for_day` does, on the next day, if it is good until cancelled.
 */
const CLOSED: ReadonlySet<string> = new Set(['filled', 'canceled', 'expired', 'rejected', 'replaced'])

/** @throws MalformedAnswerError */
export function readOrder(answer: Answer): Order {
  const status = answer.text('status')
  return {
    id: answer.text('id'),
    clientOrderId: answer.text('clientOrderId'),
    symbol: answer.text('symbol'),
    side: answer.text('side'),
    type: answer.text('type'),
    quantity: answer.decimalOrNull('qty'),
    filledQuantity: answer.decimal('filledQty'),
    averageFillPrice: answer.decimalOrNull('filledAvgPrice'),
    limitPrice: answer.decimalOrNull('limitPrice'),
    stopPrice: answer.decimalOrNull('stopPrice'),
    status,
    isOpen: !CLOSED.has(status),
    submittedAt: answer.time('submittedAt'),
  }
}
