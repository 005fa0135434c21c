import { randomUUID } from 'node:crypto'
import type { OrderRequest } from '../broker.ts'
import { InvalidRequestError } from '../errors.ts'
import { checkedDecimal, checkedSymbol } from '../requests.ts'

/** An order in the SDK's names, complete with the id that it keeps through all attempts. */
export interface PreparedOrder {
  readonly symbol: string
  readonly side: 'buy' | 'sell'
  readonly qty: string
  readonly type: 'market' | 'limit' | 'stop' | 'stop_limit'
  readonly timeInForce: 'day' | 'gtc' | 'opg' | 'cls' | 'ioc' | 'fok'
  readonly clientOrderId: string
  readonly limitPrice?: string
  readonly stopPrice?: string
}

/** The longest client order id that brokers take. */
const LONGEST_CLIENT_ORDER_ID = 48

/** Checks an order and gives it its id. @throws InvalidRequestError */
export function prepareOrder(order: OrderRequest): PreparedOrder {
  const { type, limitPrice, stopPrice, clientOrderId = randomUUID() } = order
  const limited = type === 'limit' || type === 'stop_limit'
  const stopped = type === 'stop' || type === 'stop_limit'
  if (limited !== (limitPrice !== undefined)) {
    throw new InvalidRequestError(
      'limitPrice',
      limitPrice,
      `an order of type ${type} ${limited ? 'needs' : 'has no'} limitPrice`,
    )
  }
  if (stopped !== (stopPrice !== undefined)) {
    throw new InvalidRequestError(
      'stopPrice',
      stopPrice,
      `an order of type ${type} ${stopped ? 'needs' : 'has no'} stopPrice`,
    )
  }
  if (clientOrderId.length > LONGEST_CLIENT_ORDER_ID || !/^[\x21-\x7e]+$/.test(clientOrderId)) {
    const rule = `it must be 1 to ${LONGEST_CLIENT_ORDER_ID} printable characters without spaces`
    throw new InvalidRequestError('clientOrderId', clientOrderId, rule)
  }
  return {
    symbol: checkedSymbol(order.symbol),
    side: order.side,
    qty: checkedDecimal('quantity', order.quantity),
    type,
    timeInForce: order.timeInForce ?? 'day',
    clientOrderId,
    ...(limitPrice === undefined ? {} : { limitPrice: checkedDecimal('limitPrice', limitPrice) }),
    ...(stopPrice === undefined ? {} : { stopPrice: checkedDecimal('stopPrice', stopPrice) }),
  }
}
