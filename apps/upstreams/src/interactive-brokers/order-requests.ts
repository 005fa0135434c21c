/** What clients do with orders. */
import { ACCOUNT } from './account.ts'
import { type Contract, contractFor } from './contracts.ts'
import { isOrderType, type OrderType, type PlaceOrder, readPlaceOrder } from './place-order.ts'
import type { RequestContext, RequestHandler } from './request-context.ts'
import { readClockText } from './time-text.ts'
import type { TwsFaultAction } from './tws-fault-rule.ts'
import { isOpen, type Telling, type TwsOrder } from './tws-order.ts'
import type { TwsServer } from './tws-server.ts'
import type { TwsSession } from './tws-session.ts'
import { REQUEST } from './wire/message-ids.ts'
import { completedOrdersEnd, executionsEnd, openOrderEnd } from './wire/messages.ts'
import { completedOrder, execution, openOrder, orderStatus } from './wire/order-messages.ts'

const TIMES_IN_FORCE: ReadonlySet<string> = new Set(['DAY', 'GTC', 'IOC', 'FOK', 'OPG'])

/** Why an order is refused: a code and what TWS says. */
class Objection {
  readonly code: number
  readonly message: string

  constructor(code: number, message: string) {
    this.code = code
    this.message = message
  }
}

export const orderRequests: ReadonlyMap<number, RequestHandler> = new Map<number, RequestHandler>([
  [REQUEST.PLACE_ORDER, placeOrder],
  [REQUEST.CANCEL_ORDER, cancelOrder],
  [REQUEST.REQ_GLOBAL_CANCEL, cancelAll],
  [REQUEST.REQ_OPEN_ORDERS, ({ session, tws }) => tellOpenOrders(session, ordersOf(session, tws))],
  [REQUEST.REQ_ALL_OPEN_ORDERS, ({ session, tws }) => tellOpenOrders(session, tws.book.orders)],
  [REQUEST.REQ_COMPLETED_ORDERS, tellCompletedOrders],
  [REQUEST.REQ_EXECUTIONS, tellExecutions],
])

function placeOrder({ session, tws, message, fault }: RequestContext): void {
  const request = readPlaceOrder(message)
  const { orderId } = request
  const known = ordersOf(session, tws).find((order) => order.orderId === orderId && isOpen(order))
  const admitted = refusalBy(fault?.action) ?? admit(request, tws)
  if (admitted instanceof Objection) return session.refuse(orderId, admitted.code, admitted.message)
  const faultId = fault?.id ?? null
  if (orderId < tws.nextOrderId) {
    if (known === undefined) return session.refuse(orderId, 103, 'Duplicate order id')
    tws.book.change(known, request, faultId)
  } else {
    const placement = { clientId: session.clientId ?? 0, account: ACCOUNT, telling: tellingOf(fault?.action), faultId }
    tws.book.place(request, admitted, placement)
  }
  tws.watch()
}

/** What an order is for, if it is one that is taken. */
function admit(
  request: PlaceOrder,
  { market, book }: TwsServer,
): { readonly contract: Contract; readonly orderType: OrderType } | Objection {
  const { orderType, qty, limitPrice, stopPrice, timeInForce } = request
  const contract = contractFor(market, request.contract)
  if (contract === undefined) return noContract()
  if (contract.secType === 'IND') return new Objection(460, 'No trading permissions.')
  if (!isOrderType(orderType)) return new Objection(387, 'Unsupported order type for this exchange and security type.')
  if (!TIMES_IN_FORCE.has(timeInForce)) return invalid(`time in force ${timeInForce.slice(0, 10)} is not supported`)
  if (request.account !== '' && request.account !== ACCOUNT) return invalid('the account is not yours')
  if (!(Number(qty) > 0)) return new Objection(434, 'The order size cannot be zero.')
  if (!Number.isInteger(Number(qty))) return new Objection(10_243, 'Fractional-sized order cannot be placed via API.')
  const prices = [
    [orderType.endsWith('LMT'), limitPrice],
    [orderType.startsWith('STP'), stopPrice],
  ] as const
  for (const [needed, price] of prices) {
    if (!needed) continue
    if (price === null || !(Number(price) > 0)) return invalid(`an order of type ${orderType} needs its price`)
    if (!/^\d+(\.\d{1,2}0*)?$/.test(price)) {
      return new Objection(110, 'The price does not conform to the minimum price variation for this contract.')
    }
  }
  if (request.transmit && book.costOf(contract, request) > book.buyingPower) {
    return rejected('We are unable to accept your order. Your Available Funds are insufficient.')
  }
  return { contract, orderType }
}

function cancelOrder({ session, tws, fields, fault }: RequestContext): void {
  fields.skip(1)
  const orderId = fields.integer()
  const reply = fault?.action.type === 'cancelReply' ? fault.action.reply : undefined
  const orders = ordersOf(session, tws).filter((order) => order.orderId === orderId)
  if (reply !== undefined && reply !== 'none') {
    return session.refuse(orderId, reply, cancelRefusal(reply, orderId, orders.at(-1)))
  }
  const open = orders.filter(isOpen)
  if (open.length === 0) {
    const code = orders.length === 0 ? 135 : 10_148
    return session.refuse(orderId, code, cancelRefusal(code, orderId, orders.at(-1)))
  }
  for (const order of open) {
    if (reply === 'none') order.telling = { ...order.telling, drop: 'everything' }
    tws.book.cancel(order, fault?.id ?? null)
  }
}

function cancelRefusal(code: number, orderId: number, order: TwsOrder | undefined): string {
  switch (code) {
    case 135:
      return `Can't find order with id =${orderId}`
    case 161:
      return `Cancel attempted when order is not in a cancellable state. Order permId =${order?.permId ?? 0}`
    case 10_148:
      return `OrderId ${orderId} that needs to be cancelled can not be cancelled, state: ${order?.state ?? 'Filled'}.`
    default:
      return `OrderId ${orderId} that needs to be cancelled is not found.`
  }
}

function cancelAll({ tws, fault }: RequestContext): void {
  for (const order of tws.book.open) tws.book.cancel(order, fault?.id ?? null)
}

function tellOpenOrders(session: TwsSession, orders: readonly TwsOrder[]): void {
  for (const order of orders.filter(isOpen)) {
    session.send(openOrder(order))
    session.send(orderStatus(order))
  }
  session.send(openOrderEnd())
}

function tellCompletedOrders({ session, tws }: RequestContext): void {
  for (const order of tws.book.orders) if (!isOpen(order)) session.send(completedOrder(order))
  session.send(completedOrdersEnd())
}

function tellExecutions({ session, tws, fields }: RequestContext): void {
  fields.skip(1)
  const reqId = fields.integer()
  const clientId = fields.integerOr(0)
  const account = fields.text()
  const since = readClockText(fields.text()) ?? 0
  const symbol = fields.text().toUpperCase()
  // Kind of security and exchange.
  fields.skip(2)
  const side = fields.text()
  for (const order of tws.book.orders) {
    if (clientId > 0 && order.clientId !== clientId) continue
    if ((account !== '' && account !== order.account) || (symbol !== '' && symbol !== order.symbol)) continue
    if (side !== '' && side !== (order.side === 'buy' ? 'BUY' : 'SELL')) continue
    for (const trade of order.executions) {
      if (trade.at >= since) session.send(execution(order, trade, reqId))
    }
  }
  session.send(executionsEnd(reqId))
}

function ordersOf({ clientId }: TwsSession, { book }: TwsServer): readonly TwsOrder[] {
  return book.orders.filter((order) => order.clientId === clientId)
}

function refusalBy(action: TwsFaultAction | undefined): Objection | undefined {
  if (action?.type === 'reject') return rejected(action.reason)
  if (action?.type !== 'orderError') return undefined
  return action.code === 200 ? noContract() : new Objection(460, 'No trading permissions.')
}

function tellingOf(action: TwsFaultAction | undefined): Telling {
  const drop = { dropAck: 'everything', dropStatus: 'states' } as const
  return {
    ...(action?.type === 'dropAck' || action?.type === 'dropStatus' ? { drop: drop[action.type] } : {}),
    times: action?.type === 'dupStatus' ? action.times : 1,
    fillFirst: action?.type === 'reorder',
  }
}

function noContract(): Objection {
  return new Objection(200, 'No security definition has been found for the request')
}

function rejected(reason: string): Objection {
  return new Objection(201, `Order rejected - reason:${reason}`)
}

function invalid(cause: string): Objection {
  return new Objection(321, `Error validating request.-'placeOrder' : cause - ${cause}`)
}
