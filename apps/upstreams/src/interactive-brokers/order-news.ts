import type { OrderEvent } from './order-book.ts'
import type { TwsOrder } from './tws-order.ts'
import type { TwsServer } from './tws-server.ts'
import { error } from './wire/messages.ts'
import { commissionReport, execution, openOrder, orderStatus } from './wire/order-messages.ts'

/** How long the acknowledgement of an order that shall be told after its fill waits for one, in milliseconds. */
const LATEST_ACKNOWLEDGEMENT_MS = 1_000

/** Tells clients what happens to their orders. */
export class OrderNews {
  readonly #tws: TwsServer
  /** Of each order, how many executions' commissions were told. */
  readonly #reported = new WeakMap<TwsOrder, number>()

  constructor(tws: TwsServer) {
    this.#tws = tws
  }

  tell(event: OrderEvent): void {
    const { order } = event
    const session = this.#tws.sessionOf(order.clientId)
    if (event.type === 'execution') {
      if (order.telling.drop === 'everything') return
      session?.send(execution(order, event.execution), acknowledgement(order))
    } else if (!order.telling.fillFirst || order.executions.length > 0 || order.state === 'Cancelled') {
      this.#tellState(order)
    } else if (order.state === 'PreSubmitted') {
      this.#tws.clock.setTimer(() => this.#tellLate(order), LATEST_ACKNOWLEDGEMENT_MS, false)
    }
  }

  #tellLate(order: TwsOrder): void {
    order.telling = { ...order.telling, fillFirst: false }
    if (order.executions.length === 0) this.#tellState(order)
  }

  #tellState(order: TwsOrder): void {
    const written = acknowledgement(order)
    const session = this.#tws.sessionOf(order.clientId)
    if (session === undefined || order.telling.drop !== undefined) return
    for (let time = 0; time < order.telling.times; time++) {
      if (order.state !== 'Cancelled') session.send(openOrder(order), written)
      session.send(orderStatus(order), written)
    }
    if (order.state === 'Cancelled') session.send(error(order.orderId, 202, 'Order Canceled - reason:'))
    for (const trade of order.executions.slice(this.#reported.get(order) ?? 0)) session.send(commissionReport(trade))
    this.#reported.set(order, order.executions.length)
  }
}

/** Marks in the ledger that the client was told. What is never told stays unacknowledged. */
function acknowledgement(order: TwsOrder): () => void {
  const rows = order.unacknowledged
  order.unacknowledged = []
  return () => {
    for (const row of rows) row.acked = true
  }
}
