import type { Order, PreparedOrder } from '../../src/index.ts'

/** An order that somebody wants. */
export function intentCalled(clientOrderId: string): PreparedOrder {
  return {
    kind: 'order',
    clientOrderId,
    symbol: 'AAPL',
    side: 'buy',
    quantity: '10',
    type: 'limit',
    limitPrice: '187.25',
    stopPrice: null,
    timeInForce: 'day',
  }
}

/** The same once the broker has it. */
export function orderCalled(clientOrderId: string): Order {
  return {
    id: `id of ${clientOrderId}`,
    clientOrderId,
    symbol: 'AAPL',
    side: 'buy',
    type: 'limit',
    quantity: '10',
    filledQuantity: '0',
    averageFillPrice: null,
    limitPrice: '187.25',
    stopPrice: null,
    status: 'new',
    isOpen: true,
    submittedAt: 1,
  }
}
