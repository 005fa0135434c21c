import type { Answer } from '../answer.ts'
import type { Account, Order, Position } from '../broker.ts'

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

/** @throws MalformedAnswerError */
export function readOrder(answer: Answer): Order {
  return {
    id: answer.text('id'),
    clientOrderId: answer.text('clientOrderId'),
    symbol: answer.text('symbol'),
    side: answer.text('side'),
    type: answer.text('type'),
    quantity: answer.decimal('qty'),
    filledQuantity: answer.decimal('filledQty'),
    averageFillPrice: answer.decimalOrNull('filledAvgPrice'),
    limitPrice: answer.decimalOrNull('limitPrice'),
    stopPrice: answer.decimalOrNull('stopPrice'),
    status: answer.text('status'),
    submittedAt: answer.time('submittedAt'),
  }
}
