import type { WorkingOrder } from '../market/fills.ts'

export type OrderSide = 'buy' | 'sell'
export type OrderType = 'market' | 'limit' | 'stop' | 'stop_limit' | 'trailing_stop'
export type OrderClass = 'simple' | 'bracket' | 'oco' | 'oto'

/** An order as a client asks for it; figures are decimal texts. */
export interface OrderRequest {
  readonly symbol: string
  /** How many shares; null when the order is for so many dollars. */
  readonly qty: string | null
  readonly notional: string | null
  readonly side: OrderSide
  readonly type: OrderType
  readonly timeInForce: string
  readonly limitPrice: string | null
  readonly stopPrice: string | null
  /** How far a trailing stop follows, in dollars or in percent. */
  readonly trailPrice: string | null
  readonly trailPercent: string | null
  readonly clientOrderId: string
  readonly extendedHours: boolean
  readonly positionIntent: string | null
  readonly orderClass: OrderClass
  /** The limit at which a position is given up with a profit, for the classes that have one. */
  readonly takeProfit: string | null
  readonly stopLoss: { readonly stopPrice: string; readonly limitPrice: string | null } | null
}

export type OrderStatus =
  | 'pending_new'
  | 'accepted'
  | 'held'
  | 'new'
  | 'partially_filled'
  | 'filled'
  | 'pending_cancel'
  | 'canceled'
  | 'replaced'
  | 'expired'
  | 'rejected'

/** One trade of an order. */
export interface OrderFill {
  readonly id: string
  /** Market time. */
  readonly at: number
  readonly qty: number
  readonly price: number
  /** What the order had got by then. */
  readonly cumQty: number
}

/** An order in the books. Times are market time, milliseconds since 1970. */
export interface Order extends WorkingOrder {
  readonly id: string
  readonly request: OrderRequest
  readonly clientOrderId: string
  /** The client's intent behind it. */
  readonly intent: string
  readonly positionIntent: string
  readonly createdAt: number
  /** Real time, for the lag with which a lookup sees it. */
  readonly bookedAt: number
  readonly replaces: string | null
  /** The order whose leg it is. */
  readonly parent: Order | null
  readonly legs: Order[]
  readonly fills: OrderFill[]
  /** Whether the exchange turns it down after Alpaca took it. */
  readonly isTurnedDown: boolean
  status: OrderStatus
  updatedAt: number
  filledAt: number | null
  canceledAt: number | null
  expiredAt: number | null
  failedAt: number | null
  replacedAt: number | null
  replacedBy: string | null
  /** The average of its fills, in dollars. */
  filledPrice: number | null
  /** Real time at which a cancellation that was asked for takes effect; null when none was. */
  cancelDueAt: number | null
}

const OPEN: ReadonlySet<OrderStatus> = new Set([
  'pending_new',
  'accepted',
  'held',
  'new',
  'partially_filled',
  'pending_cancel',
])

/** Whether an order can still be filled. */
export function isOpen({ status }: Order): boolean {
  return OPEN.has(status)
}

/** Whether a leg waits for the order that it belongs to: the legs of an OCO order wait for nothing. */
export function isHeld({ parent }: Order): boolean {
  return parent !== null && parent.request.orderClass !== 'oco' && parent.status !== 'filled'
}

/** What happens to an order, by the names of the trade updates. */
export type OrderEventName =
  | 'pending_new'
  | 'accepted'
  | 'new'
  | 'partial_fill'
  | 'fill'
  | 'pending_cancel'
  | 'canceled'
  | 'replaced'
  | 'expired'
  | 'rejected'

/** Something that happened to an order. */
export interface OrderEvent {
  readonly event: OrderEventName
  readonly order: Order
  /** Market time. */
  readonly at: number
  readonly fill?: OrderFill
  /** What is held of the symbol after a fill. */
  readonly positionQty?: number
}
