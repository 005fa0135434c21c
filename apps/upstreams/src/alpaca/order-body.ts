/** Bodies of orders, and what Alpaca says of those that make no sense. */
import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { OrderRequest } from './order.ts'

const decimal = z
  .union([z.string(), z.number()])
  .transform(String)
  .refine((text) => /^\d{1,12}(\.\d{1,9})?$/.test(text) && Number(text) > 0, 'must be a decimal above zero')

/** At least a dollar: two decimals; below: four. */
const price = decimal.refine(
  (text) => (text.split('.')[1] ?? '').replace(/0+$/, '').length <= (Number(text) >= 1 ? 2 : 4),
  'sub-penny increment does not fulfill minimum pricing criteria',
)

const clientOrderId = z.string().min(1).max(128, 'must be no more than 128 characters')

const TIMES_IN_FORCE = ['day', 'gtc', 'opg', 'cls', 'ioc', 'fok'] as const

const body = z.object({
  symbol: z.string().min(1).max(30),
  qty: decimal.nullish(),
  notional: decimal.nullish(),
  side: z.enum(['buy', 'sell']),
  type: z.enum(['market', 'limit', 'stop', 'stop_limit', 'trailing_stop']),
  time_in_force: z.enum(TIMES_IN_FORCE),
  limit_price: price.nullish(),
  stop_price: price.nullish(),
  trail_price: price.nullish(),
  trail_percent: decimal.nullish(),
  client_order_id: clientOrderId.nullish(),
  extended_hours: z.boolean().nullish(),
  position_intent: z.enum(['buy_to_open', 'buy_to_close', 'sell_to_open', 'sell_to_close']).nullish(),
  order_class: z.enum(['simple', 'bracket', 'oco', 'oto', 'mleg', '']).nullish(),
  take_profit: z.object({ limit_price: price }).nullish(),
  stop_loss: z.object({ stop_price: price, limit_price: price.nullish() }).nullish(),
})

const change = z.object({
  qty: decimal.nullish(),
  time_in_force: z.enum(TIMES_IN_FORCE).nullish(),
  limit_price: price.nullish(),
  stop_price: price.nullish(),
  trail: decimal.nullish(),
  client_order_id: clientOrderId.nullish(),
})

/** Reads the body of `POST /v2/orders`. @returns what is wrong with it as a text otherwise */
export function readOrder(input: unknown): OrderRequest | string {
  const read = body.safeParse(input)
  if (!read.success) return complaint(read.error)
  const order = read.data
  if (order.order_class === 'mleg') return 'mleg orders are for options, which are not traded here'
  const takeProfit = order.take_profit?.limit_price ?? null
  const orderClass = order.order_class === '' || order.order_class == null ? 'simple' : order.order_class
  const loss = order.stop_loss
  return sensible({
    symbol: order.symbol,
    qty: order.qty ?? null,
    notional: order.notional ?? null,
    side: order.side,
    type: order.type,
    timeInForce: order.time_in_force,
    // An OCO order is itself the one that takes the profit.
    limitPrice: orderClass === 'oco' ? takeProfit : (order.limit_price ?? null),
    stopPrice: order.stop_price ?? null,
    trailPrice: order.trail_price ?? null,
    trailPercent: order.trail_percent ?? null,
    clientOrderId: order.client_order_id ?? randomUUID(),
    extendedHours: order.extended_hours ?? false,
    positionIntent: order.position_intent ?? null,
    orderClass,
    takeProfit,
    stopLoss: loss == null ? null : { stopPrice: loss.stop_price, limitPrice: loss.limit_price ?? null },
  })
}

/** Reads the body of `PATCH /v2/orders/:id`. @returns the order as it shall be, or what is wrong with it as a text */
export function readChange(order: OrderRequest, input: unknown): OrderRequest | string {
  const read = change.safeParse(input)
  if (!read.success) return complaint(read.error)
  const { qty, time_in_force, limit_price, stop_price, trail, client_order_id } = read.data
  if (order.notional !== null) return 'orders for so many dollars cannot be replaced'
  return sensible({
    ...order,
    qty: qty ?? order.qty,
    timeInForce: time_in_force ?? order.timeInForce,
    limitPrice: limit_price ?? order.limitPrice,
    stopPrice: stop_price ?? order.stopPrice,
    trailPrice: order.trailPrice === null ? null : (trail ?? order.trailPrice),
    trailPercent: order.trailPercent === null ? null : (trail ?? order.trailPercent),
    clientOrderId: client_order_id ?? randomUUID(),
  })
}

/** What an order must have and what it must not, by its type and class; the first rule that it breaks is told. */
function sensible(order: OrderRequest): OrderRequest | string {
  return shareRule(order) ?? priceRule(order) ?? classRule(order) ?? order
}

function shareRule({ qty, notional, type, timeInForce, orderClass, extendedHours }: OrderRequest): string | undefined {
  if ((qty === null) === (notional === null)) return 'one of qty and notional is required'
  const fractional = qty === null || !Number.isInteger(Number(qty))
  if (fractional && timeInForce !== 'day') return 'fractional orders must be DAY orders'
  if (fractional && orderClass !== 'simple') return 'fractional orders must be simple orders'
  if (notional !== null && type !== 'market') return 'notional orders must be market orders'
  if (extendedHours && (type !== 'limit' || (timeInForce !== 'day' && timeInForce !== 'gtc'))) {
    return 'extended hours order must be DAY or GTC limit orders'
  }
  return undefined
}

function priceRule({ type, limitPrice, stopPrice, trailPrice, trailPercent }: OrderRequest): string | undefined {
  const limited = type === 'limit' || type === 'stop_limit'
  const stopped = type === 'stop' || type === 'stop_limit'
  if (limited && limitPrice === null) return `${type} orders require limit price`
  if (stopped && stopPrice === null) return `${type} orders require stop price`
  if (!limited && limitPrice !== null) return `${type} orders require no limit price`
  if (!stopped && stopPrice !== null) return `${type} orders require no stop price`
  const trails = (trailPrice === null ? 0 : 1) + (trailPercent === null ? 0 : 1)
  if (type === 'trailing_stop' ? trails !== 1 : trails !== 0) {
    return `${type} orders require ${type === 'trailing_stop' ? 'one of trail_price and trail_percent' : 'no trail'}`
  }
  return undefined
}

function classRule({ orderClass, type, takeProfit, stopLoss, side }: OrderRequest): string | undefined {
  const exits = (takeProfit === null ? 0 : 1) + (stopLoss === null ? 0 : 1)
  const wanted = { simple: 0, oto: 1, bracket: 2, oco: 2 }[orderClass]
  if (exits !== wanted) {
    const which = ['neither take_profit nor stop_loss', 'one of take_profit and stop_loss', 'take_profit and stop_loss']
    return `${orderClass} orders require ${which[wanted]}`
  }
  if (orderClass === 'oco' && type !== 'limit') return 'oco orders must be limit orders'
  if (takeProfit === null || stopLoss === null) return undefined
  // What is bought is given up above with a profit and below with a loss; of an OCO order, the side is that of the way out.
  const buys = (side === 'buy') !== (orderClass === 'oco')
  const above = Number(takeProfit) > Number(stopLoss.stopPrice)
  return above === buys ? undefined : 'take_profit.limit_price must be beyond stop_loss.stop_price'
}

function complaint(error: z.ZodError): string {
  const [issue] = error.issues
  return issue === undefined ? 'invalid body' : `invalid ${issue.path.join('.') || 'body'}: ${issue.message}`
}
