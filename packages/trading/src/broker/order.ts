/** Orders: as somebody wants them, as they are sent, and as the broker has them. */
import { randomUUID } from 'node:crypto'
import { InvalidRequestError } from '../errors.ts'
import { checkedDecimal, checkedId, checkedSymbol } from '../requests.ts'

export type OrderSide = 'buy' | 'sell'
export type OrderType = 'market' | 'limit' | 'stop' | 'stop_limit'
export type TimeInForce = 'day' | 'gtc' | 'opg' | 'cls' | 'ioc' | 'fok'

const SIDES: readonly string[] = ['buy', 'sell'] satisfies OrderSide[]
const TYPES: readonly string[] = ['market', 'limit', 'stop', 'stop_limit'] satisfies OrderType[]
const TIMES_IN_FORCE: readonly string[] = ['day', 'gtc', 'opg', 'cls', 'ioc', 'fok'] satisfies TimeInForce[]

/** An order that somebody wants placed. Figures are decimal texts. */
export interface OrderRequest {
  readonly symbol: string
  readonly side: OrderSide
  readonly quantity: string
  readonly type: OrderType
  /** Needed for `limit` and `stop_limit`. */
  readonly limitPrice?: string | undefined
  /** Needed for `stop` and `stop_limit`. */
  readonly stopPrice?: string | undefined
  /** Default `day`. */
  readonly timeInForce?: TimeInForce | undefined
  /** The id of this intent, at most 48 characters. Default: one is made, once, before anything is sent. */
  readonly clientOrderId?: string | undefined
}

/** What shall be different about an open order. What is absent stays. */
export interface OrderChange {
  readonly quantity?: string | undefined
  readonly limitPrice?: string | undefined
  readonly stopPrice?: string | undefined
  readonly timeInForce?: TimeInForce | undefined
  /** The id of this intent: the order that takes the old one's place has it. Default: one is made, once. */
  readonly clientOrderId?: string | undefined
}

/** A checked order, complete with the id that it keeps through all attempts. */
export interface PreparedOrder {
  readonly kind: 'order'
  readonly clientOrderId: string
  readonly symbol: string
  readonly side: OrderSide
  readonly quantity: string
  readonly type: OrderType
  readonly limitPrice: string | null
  readonly stopPrice: string | null
  readonly timeInForce: TimeInForce
}

/** A checked change of an open order: brokers make a new order of it, so it is an intent with an id of its own. */
export interface PreparedReplacement {
  readonly kind: 'replacement'
  readonly clientOrderId: string
  /** The broker's id of the order that is replaced. */
  readonly orderId: string
  readonly quantity: string | null
  readonly limitPrice: string | null
  readonly stopPrice: string | null
  readonly timeInForce: TimeInForce | null
}

/** What can be sent once and only once. */
export type Intent = PreparedOrder | PreparedReplacement

/** An order that the broker has. */
export interface Order {
  readonly id: string
  readonly clientOrderId: string
  readonly symbol: string
  readonly side: string
  readonly type: string
  /** Null for an order of so many dollars' worth. */
  readonly quantity: string | null
  readonly filledQuantity: string
  readonly averageFillPrice: string | null
  readonly limitPrice: string | null
  readonly stopPrice: string | null
  readonly status: string
  /** Whether it can still be filled, as far as the status tells. */
  readonly isOpen: boolean
  /** When, in milliseconds since 1970. */
  readonly submittedAt: number
}

/** Checks an order and gives it its id. @throws InvalidRequestError that names the field, the value and the rule */
export function prepareOrder(request: OrderRequest, longestId: number): PreparedOrder {
  const { type, limitPrice, stopPrice } = request
  const timeInForce = request.timeInForce ?? 'day'
  checkWord('side', request.side, SIDES)
  checkWord('type', type, TYPES)
  checkWord('timeInForce', timeInForce, TIMES_IN_FORCE)
  checkPresence('limitPrice', limitPrice, type, type === 'limit' || type === 'stop_limit')
  checkPresence('stopPrice', stopPrice, type, type === 'stop' || type === 'stop_limit')
  return {
    kind: 'order',
    clientOrderId: checkedClientOrderId(request.clientOrderId, longestId),
    symbol: checkedSymbol(request.symbol),
    side: request.side,
    quantity: checkedDecimal('quantity', request.quantity),
    type,
    limitPrice: limitPrice === undefined ? null : checkedDecimal('limitPrice', limitPrice),
    stopPrice: stopPrice === undefined ? null : checkedDecimal('stopPrice', stopPrice),
    timeInForce,
  }
}

/** Checks a change and gives it its id. @throws InvalidRequestError that names the field, the value and the rule */
export function prepareReplacement(orderId: string, change: OrderChange, longestId: number): PreparedReplacement {
  const { quantity, limitPrice, stopPrice, timeInForce } = change
  if ([quantity, limitPrice, stopPrice, timeInForce].every((field) => field === undefined)) {
    throw new InvalidRequestError('change', 'empty', 'it must say what shall be different')
  }
  if (timeInForce !== undefined) checkWord('timeInForce', timeInForce, TIMES_IN_FORCE)
  return {
    kind: 'replacement',
    clientOrderId: checkedClientOrderId(change.clientOrderId, longestId),
    orderId: checkedId('orderId', orderId),
    quantity: quantity === undefined ? null : checkedDecimal('quantity', quantity),
    limitPrice: limitPrice === undefined ? null : checkedDecimal('limitPrice', limitPrice),
    stopPrice: stopPrice === undefined ? null : checkedDecimal('stopPrice', stopPrice),
    timeInForce: timeInForce ?? null,
  }
}

/** Whether two intents ask for the same, whatever they are called. */
export function sameIntent(one: Intent, other: Intent): boolean {
  const fields = (intent: Intent): string => JSON.stringify(Object.entries(intent).sort(([a], [b]) => (a < b ? -1 : 1)))
  return fields(one) === fields(other)
}

/** Whether an order that the broker has is what the intent asked for. Of a replacement only the broker knows. */
export function isOrderOf(intent: Intent, order: Order): boolean {
  if (intent.kind === 'replacement') return true
  const sameFigure = (wanted: string | null, has: string | null): boolean =>
    wanted === null || (has !== null && Number(wanted) === Number(has))
  return (
    order.symbol === intent.symbol &&
    order.side === intent.side &&
    order.type === intent.type &&
    sameFigure(intent.quantity, order.quantity) &&
    sameFigure(intent.limitPrice, order.limitPrice) &&
    sameFigure(intent.stopPrice, order.stopPrice)
  )
}

function checkedClientOrderId(id: string = randomUUID(), longest: number): string {
  if (id.length <= longest && /^[\x21-\x7e]+$/.test(id)) return id
  throw new InvalidRequestError('clientOrderId', id, `it must be 1 to ${longest} printable characters without spaces`)
}

function checkWord(field: string, value: string, words: readonly string[]): void {
  if (!words.includes(value)) throw new InvalidRequestError(field, value, `it must be one of ${words.join(', ')}`)
}

function checkPresence(field: string, value: string | undefined, type: string, isNeeded: boolean): void {
  if (isNeeded === (value !== undefined)) return
  throw new InvalidRequestError(field, value, `an order of type ${type} ${isNeeded ? 'needs' : 'has no'} ${field}`)
}
