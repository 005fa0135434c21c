import { z } from 'zod'

/**
 * An id of an order, in a path. One dot or two are none: on their way to the broker they would become another resource,
 * and `DELETE /v2/orders/.` would cancel all orders.
 */
export const orderId = z
  .string()
  .regex(
    /^(?!\.{1,2}$)[A-Za-z0-9_.:#-]{1,128}$/,
    'it must be 1 to 128 letters, digits, or any of _ . : # -, and not only dots',
  )

/** An order id that a client gives: one that brokers take, and under which the order can be looked up. */
export const clientOrderId = orderId.max(48, 'it must be at most 48 characters')
