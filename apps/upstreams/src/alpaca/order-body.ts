import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { OrderRequest } from './orders.ts'

const decimal = z
  .union([z.string(), z.number()])
  .transform(String)
  .refine((text) => /^\d{1,12}(\.\d{1,9})?$/.test(text) && Number(text) > 0, 'must be a decimal above zero')

const clientOrderId = z.string().min(1).max(128)

const body = z.object({
  symbol: z.string().min(1).max(30),
  qty: decimal,
  side: z.enum(['buy', 'sell']),
  type: z.enum(['market', 'limit', 'stop', 'stop_limit']),
  time_in_force: z.enum(['day', 'gtc', 'opg', 'cls', 'ioc', 'fok']),
  limit_price: decimal.nullish(),
  stop_price: decimal.nullish(),
  client_order_id: clientOrderId.nullish(),
  extended_hours: z.boolean().nullish(),
})

const change = z.object({
  qty: decimal.nullish(),
  time_in_force: z.string().nullish(),
  limit_price: decimal.nullish(),
  stop_price: decimal.nullish(),
  client_order_id: clientOrderId.nullish(),
})

/** Reads the body of `POST /v2/orders`. @returns what is wrong with it as a text otherwise */
export function readOrder(input: unknown): OrderRequest | string {
  const read = body.safeParse(input)
  if (!read.success) return complaint(read.error)
  const order = read.data
  return withItsPrices({
    symbol: order.symbol,
    qty: order.qty,
    side: order.side,
    type: order.type,
    timeInForce: order.time_in_force,
    limitPrice: order.limit_price ?? null,
    stopPrice: order.stop_price ?? null,
    clientOrderId: order.client_order_id ?? randomUUID(),
    extendedHours: order.extended_hours ?? false,
  })
}

/** Reads the body of `PATCH /v2/orders/:id`. @returns the order as it shall be, or what is wrong with it as a text */
export function readChange(order: OrderRequest, input: unknown): OrderRequest | string {
  const read = change.safeParse(input)
  if (!read.success) return complaint(read.error)
  const { symbol, side, type, extendedHours } = order
  return withItsPrices({
    symbol,
    side,
    type,
    extendedHours,
    qty: read.data.qty ?? order.qty,
    timeInForce: read.data.time_in_force ?? order.timeInForce,
    limitPrice: read.data.limit_price ?? order.limitPrice,
    stopPrice: read.data.stop_price ?? order.stopPrice,
    clientOrderId: read.data.client_order_id ?? randomUUID(),
  })
}

/** An order has the prices that its type has, and no others. */
function withItsPrices(order: OrderRequest): OrderRequest | string {
  const { type, limitPrice, stopPrice } = order
  const limited = type === 'limit' || type === 'stop_limit'
  const stopped = type === 'stop' || type === 'stop_limit'
  if (limited && limitPrice === null) return `${type} orders require limit price`
  if (stopped && stopPrice === null) return `${type} orders require stop price`
  if (!limited && limitPrice !== null) return `${type} orders require no limit price`
  if (!stopped && stopPrice !== null) return `${type} orders require no stop price`
  return order
}

function complaint(error: z.ZodError): string {
  const [issue] = error.issues
  return issue === undefined ? 'invalid body' : `invalid ${issue.path.join('.') || 'body'}: ${issue.message}`
}
