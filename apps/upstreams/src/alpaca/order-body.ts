import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { OrderRequest } from './orders.ts'

const decimal = z
  .union([z.string(), z.number()])
  .transform(String)
  .refine((text) => /^\d+(\.\d+)?$/.test(text) && Number(text) > 0)

const body = z.object({
  symbol: z.string().min(1).max(30),
  qty: decimal,
  side: z.enum(['buy', 'sell']),
  type: z.enum(['market', 'limit', 'stop', 'stop_limit']),
  time_in_force: z.enum(['day', 'gtc', 'opg', 'cls', 'ioc', 'fok']),
  limit_price: decimal.nullish(),
  stop_price: decimal.nullish(),
  client_order_id: z.string().min(1).max(128).nullish(),
  extended_hours: z.boolean().nullish(),
})

const change = z.object({
  qty: decimal.nullish(),
  time_in_force: z.string().nullish(),
  limit_price: decimal.nullish(),
  stop_price: decimal.nullish(),
  client_order_id: z.string().min(1).max(128).nullish(),
})

/** Reads the body of `POST /v2/orders`. @returns what is wrong with it as a text otherwise */
export function readOrder(input: unknown): OrderRequest | string {
  const read = body.safeParse(input)
  if (!read.success) return complaint(read.error)
  const { symbol, qty, side, type, time_in_force, limit_price, stop_price, client_order_id, extended_hours } = read.data
  if ((type === 'limit' || type === 'stop_limit') && limit_price == null) return 'limit orders require limit price'
  if ((type === 'stop' || type === 'stop_limit') && stop_price == null) return 'stop orders require stop price'
  return {
    symbol,
    qty,
    side,
    type,
    timeInForce: time_in_force,
    limitPrice: limit_price ?? null,
    stopPrice: stop_price ?? null,
    clientOrderId: client_order_id ?? randomUUID(),
    extendedHours: extended_hours ?? false,
  }
}

/** Reads the body of `PATCH /v2/orders/:id`. */
export function readChange(input: unknown): Partial<OrderRequest> | string {
  const read = change.safeParse(input)
  if (!read.success) return complaint(read.error)
  const { qty, time_in_force, limit_price, stop_price, client_order_id } = read.data
  return {
    ...(qty == null ? {} : { qty }),
    ...(time_in_force == null ? {} : { timeInForce: time_in_force }),
    ...(limit_price == null ? {} : { limitPrice: limit_price }),
    ...(stop_price == null ? {} : { stopPrice: stop_price }),
    ...(client_order_id == null ? {} : { clientOrderId: client_order_id }),
  }
}

function complaint(error: z.ZodError): string {
  const [issue] = error.issues
  return issue === undefined ? 'invalid body' : `invalid ${issue.path.join('.') || 'body'}: ${issue.message}`
}
