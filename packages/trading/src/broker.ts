import type { Service } from 'holdfast'
import type { RequestOptions } from './requests.ts'

/** An account. Figures of money are decimal texts in the account's currency. */
export interface Account {
  readonly id: string
  readonly status: string
  readonly currency: string
  readonly cash: string
  readonly buyingPower: string
  readonly equity: string
  /** Whether the broker keeps it from trading. */
  readonly tradingBlocked: boolean
}

/** What is held of one symbol. */
export interface Position {
  readonly symbol: string
  readonly side: string
  readonly quantity: string
  readonly averageEntryPrice: string
  readonly marketValue: string
  readonly costBasis: string
  readonly unrealizedProfit: string
  readonly currentPrice: string
}

export type OrderSide = 'buy' | 'sell'
export type OrderType = 'market' | 'limit' | 'stop' | 'stop_limit'
export type TimeInForce = 'day' | 'gtc' | 'opg' | 'cls' | 'ioc' | 'fok'

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

/** An order that the broker has. */
export interface Order {
  readonly id: string
  readonly clientOrderId: string
  readonly symbol: string
  readonly side: string
  readonly type: string
  readonly quantity: string
  readonly filledQuantity: string
  readonly averageFillPrice: string | null
  readonly limitPrice: string | null
  readonly stopPrice: string | null
  readonly status: string
  /** When, in milliseconds since 1970. */
  readonly submittedAt: number
}

/** A broker behind its service's guards. Every method throws what {@link Service.execute} throws. */
export interface Broker {
  /** The service that guards it. */
  readonly service: Service
  getAccount(options?: RequestOptions): Promise<Account>
  getPositions(options?: RequestOptions): Promise<readonly Position[]>
  /**
   * Places an order, once. It is sent again only when it is proven that it never arrived or was refused unread, and then
   * under the same client order id.
   *
   * @throws OrderInDoubtError when nobody knows whether the broker has it; InvalidRequestError before anything is sent
   */
  submitOrder(order: OrderRequest, options?: RequestOptions): Promise<Order>
  getOrder(orderId: string, options?: RequestOptions): Promise<Order>
  getOrderByClientOrderId(clientOrderId: string, options?: RequestOptions): Promise<Order>
  cancelOrder(orderId: string, options?: RequestOptions): Promise<void>
}
