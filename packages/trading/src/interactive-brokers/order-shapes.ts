/** Orders in the words of TWS, and back. */
import { type Contract, OrderAction, OrderType, SecType, TimeInForce as Tif, type Order as TwsOrder } from '@stoqey/ib'
import type { Order, PreparedOrder, PreparedReplacement, TimeInForce } from '../broker/order.ts'
import { InvalidRequestError } from '../errors.ts'

/** How symbols become contracts. */
export type ContractFor = (symbol: string) => Contract

/** A stock or fund of the United States, wherever TWS finds the best price. */
export const usStock: ContractFor = (symbol) => ({
  // The New York classes of shares are written with a blank: BRK B.
  symbol: symbol.replace('.', ' '),
  secType: SecType.STK,
  exchange: 'SMART',
  currency: 'USD',
})

const TYPES = {
  market: OrderType.MKT,
  limit: OrderType.LMT,
  stop: OrderType.STP,
  stop_limit: OrderType.STP_LMT,
} as const

const TIMES_IN_FORCE: Readonly<Partial<Record<TimeInForce, Tif>>> = {
  day: Tif.DAY,
  gtc: Tif.GTC,
  ioc: Tif.IOC,
  fok: Tif.FOK,
  opg: Tif.OPG,
}

/** States in which an order can no longer be filled. */
const CLOSED: ReadonlySet<string> = new Set(['Filled', 'Cancelled', 'ApiCancelled', 'Inactive'])

/** What Interactive Brokers asks of an order beyond what all ask. @throws InvalidRequestError */
export function checkForTws(order: PreparedOrder | PreparedReplacement): void {
  if (order.timeInForce !== null && TIMES_IN_FORCE[order.timeInForce] === undefined) {
    throw new InvalidRequestError(
      'timeInForce',
      order.timeInForce,
      `Interactive Brokers takes ${Object.keys(TIMES_IN_FORCE).join(', ')}`,
    )
  }
  if (order.quantity !== null && !Number.isInteger(Number(order.quantity))) {
    throw new InvalidRequestError('quantity', order.quantity, 'Interactive Brokers takes whole shares')
  }
}

/** An order as it is sent. Its reference is the client order id, by which it is known for ever. */
export function toTwsOrder(order: PreparedOrder, account: string | undefined): TwsOrder {
  return {
    action: order.side === 'buy' ? OrderAction.BUY : OrderAction.SELL,
    totalQuantity: Number(order.quantity),
    orderType: TYPES[order.type],
    ...(order.limitPrice === null ? {} : { lmtPrice: Number(order.limitPrice) }),
    ...(order.stopPrice === null ? {} : { auxPrice: Number(order.stopPrice) }),
    tif: TIMES_IN_FORCE[order.timeInForce] ?? Tif.DAY,
    ...(account === undefined ? {} : { account }),
    orderRef: order.clientOrderId,
    transmit: true,
  }
}

/** An order as TWS has told of it so far. */
export interface OrderRecord {
  /** Unique in the account, for ever; 0 as long as it is not known. */
  readonly permId: number
  readonly orderId: number
  readonly clientId: number
  readonly contract: Contract
  /** As it was told or sent, to be sent again with a change. */
  readonly order: TwsOrder
  readonly status: string
  readonly filled: number
  readonly averagePrice: number
  /** When it was first heard of, in milliseconds since 1970. */
  readonly seenAt: number
}

/** An order in the words of all brokers. */
export function readRecord({ permId, contract, order, status, filled, averagePrice, seenAt }: OrderRecord): Order {
  const type = Object.entries(TYPES).find(([, twsType]) => twsType === order.orderType)?.[0]
  return {
    id: String(permId),
    clientOrderId: order.orderRef ?? '',
    symbol: (contract.symbol ?? '').replace(' ', '.'),
    side: order.action === OrderAction.BUY ? 'buy' : 'sell',
    type: type ?? String(order.orderType).toLowerCase(),
    quantity: String(order.totalQuantity ?? filled),
    filledQuantity: String(filled),
    averageFillPrice: filled > 0 ? String(averagePrice) : null,
    limitPrice: type === 'limit' || type === 'stop_limit' ? priceText(order.lmtPrice) : null,
    stopPrice: type === 'stop' || type === 'stop_limit' ? priceText(order.auxPrice) : null,
    status,
    isOpen: !CLOSED.has(status),
    submittedAt: seenAt,
  }
}

/** Whether an order has got what a change asked for. */
export function hasChange(
  order: TwsOrder,
  { quantity, limitPrice, stopPrice, timeInForce }: PreparedReplacement,
): boolean {
  const same = (wanted: string | null, has: number | undefined): boolean => wanted === null || Number(wanted) === has
  return (
    same(quantity, order.totalQuantity) &&
    same(limitPrice, order.lmtPrice) &&
    same(stopPrice, order.auxPrice) &&
    (timeInForce === null || TIMES_IN_FORCE[timeInForce] === order.tif)
  )
}

/** An order with a change, as it is sent. */
export function withChange(
  order: TwsOrder,
  { quantity, limitPrice, stopPrice, timeInForce }: PreparedReplacement,
): TwsOrder {
  const tif = timeInForce === null ? undefined : TIMES_IN_FORCE[timeInForce]
  return {
    ...order,
    ...(quantity === null ? {} : { totalQuantity: Number(quantity) }),
    ...(limitPrice === null ? {} : { lmtPrice: Number(limitPrice) }),
    ...(stopPrice === null ? {} : { auxPrice: Number(stopPrice) }),
    ...(tif === undefined ? {} : { tif }),
    transmit: true,
  }
}

function priceText(price: number | undefined): string | null {
  return price === undefined ? null : String(price)
}
