/** What is known of orders, from whatever TWS tells of them and in whatever order. */
import {
  type Contract,
  EventName,
  type Execution,
  OrderAction,
  type OrderState,
  OrderType,
  type Order as TwsOrder,
} from '@stoqey/ib'
import { type Clock, type HookErrorReporter, Listeners } from 'holdfast'
import type { OrderRecord } from './order-shapes.ts'
import type { TwsConnection } from './tws-connection.ts'

/** How many orders that are done are remembered. */
const KEPT = 20_000

/** An order that this process has sent on a connection, of which TWS may tell the trades before the order. */
interface SentOrder {
  readonly contract: Contract
  readonly order: TwsOrder
}

/** A state of an order, as it is told. */
interface ToldStatus {
  readonly orderId: number
  readonly status: string
  readonly filled: number
  readonly averagePrice: number
  readonly permId: number
  readonly clientId: number
}

export class OrderTracker {
  /** Told of every order that changes, once TWS has given it its permanent id. */
  readonly changes: Listeners<OrderRecord>
  readonly #clock: Clock
  readonly #records = new Map<number, OrderRecord>()
  /** Permanent ids of orders with a reference; there should be one, and sometimes there are two. */
  readonly #byRef = new Map<string, Set<number>>()
  /** What was sent on the present connection, by the number of the order. */
  readonly #sent = new Map<number, SentOrder>()
  #epoch = 0

  constructor(clock: Clock, report: HookErrorReporter) {
    this.#clock = clock
    this.changes = new Listeners('listener of orders of TWS', report)
  }

  /** Hears what a connection tells of orders. Numbers of orders mean nothing beyond their connection. */
  attach({ api, epoch }: TwsConnection): void {
    this.#epoch = epoch
    this.#sent.clear()
    api.on(EventName.openOrder, (orderId, contract, order, state) => this.#hearOrder(orderId, contract, order, state))
    api.on(EventName.completedOrder, (contract, order, state) => this.#hearOrder(0, contract, order, state))
    api.on(
      EventName.orderStatus,
      (orderId, status, filled, _left, averagePrice, permId = 0, _parent, _last, clientId = 0) =>
        this.#hearStatus({ orderId, status, filled, averagePrice, permId, clientId }),
    )
    api.on(EventName.execDetails, (_reqId, contract, execution) => this.#hearExecution(contract, execution))
  }

  /** Notes what is about to be sent. */
  noteSent(epoch: number, orderId: number, contract: Contract, order: TwsOrder): void {
    if (epoch === this.#epoch) this.#sent.set(orderId, { contract, order })
  }

  byPermId(permId: number): OrderRecord | undefined {
    return this.#records.get(permId)
  }

  /** Orders with a reference, the one that was heard of first before others. */
  byRef(orderRef: string): readonly OrderRecord[] {
    return [...(this.#byRef.get(orderRef) ?? [])].flatMap((permId) => this.#records.get(permId) ?? [])
  }

  #hearOrder(orderId: number, contract: Contract, order: TwsOrder, { status }: OrderState): void {
    const permId = order.permId ?? 0
    if (permId === 0) return
    const known = this.#records.get(permId)
    const filled = order.filledQuantity ?? known?.filled ?? 0
    this.#put({
      permId,
      orderId: orderId === 0 ? (known?.orderId ?? 0) : orderId,
      clientId: order.clientId ?? known?.clientId ?? 0,
      contract,
      order,
      status: known !== undefined && isFinal(known.status) ? known.status : (status ?? ''),
      filled,
      averagePrice: known?.averagePrice ?? 0,
      seenAt: known?.seenAt ?? this.#clock.wallTime(),
    })
  }

  #hearStatus({ orderId, status, filled, averagePrice, permId, clientId }: ToldStatus): void {
    const known = this.#records.get(permId)
    const about = known ?? this.#sent.get(orderId)
    if (permId === 0 || about === undefined) return
    const { contract, order } = about
    this.#put({
      permId,
      orderId,
      clientId,
      contract,
      order,
      status: known !== undefined && isFinal(known.status) ? known.status : status,
      filled: Math.max(filled, known?.filled ?? 0),
      averagePrice: averagePrice > 0 ? averagePrice : (known?.averagePrice ?? 0),
      seenAt: known?.seenAt ?? this.#clock.wallTime(),
    })
  }

  /** A trade may be the first that is heard of an order, and the last. */
  #hearExecution(contract: Contract, execution: Execution): void {
    const { permId = 0, orderId = 0, clientId = 0, cumQty = 0, avgPrice = 0, orderRef } = execution
    if (permId === 0) return
    const known = this.#records.get(permId)
    const sent = this.#sent.get(orderId)
    const isSent = sent !== undefined && sent.order.orderRef === orderRef
    const order = known?.order ?? (isSent ? sent.order : orderFrom(execution))
    const filled = Math.max(cumQty, known?.filled ?? 0)
    const isWhole = (known !== undefined || isSent) && filled >= (order.totalQuantity ?? Number.POSITIVE_INFINITY)
    this.#put({
      permId,
      orderId,
      clientId,
      contract,
      order,
      status: isWhole ? 'Filled' : (known?.status ?? 'Submitted'),
      filled,
      averagePrice: avgPrice,
      seenAt: known?.seenAt ?? this.#clock.wallTime(),
    })
  }

  #put(record: OrderRecord): void {
    this.#records.delete(record.permId)
    this.#records.set(record.permId, record)
    const { orderRef = '' } = record.order
    if (orderRef !== '') {
      const ids = this.#byRef.get(orderRef) ?? new Set<number>()
      ids.add(record.permId)
      this.#byRef.set(orderRef, ids)
    }
    if (this.#records.size > KEPT) this.#forget()
    this.changes.emit(record)
  }

  /** Forgets the order that has been silent for longest. */
  #forget(): void {
    const [oldest] = this.#records.values()
    if (oldest === undefined) return
    this.#records.delete(oldest.permId)
    const { orderRef = '' } = oldest.order
    const ids = this.#byRef.get(orderRef)
    ids?.delete(oldest.permId)
    if (ids?.size === 0) this.#byRef.delete(orderRef)
  }
}

/** States that no late or repeated message takes back. */
function isFinal(status: string): boolean {
  return status === 'Filled' || status === 'Cancelled' || status === 'ApiCancelled'
}

/** What a trade tells of its order. How much was wanted, it does not. */
function orderFrom({ side, orderRef, permId, cumQty }: Execution): TwsOrder {
  return {
    orderType: OrderType.None,
    action: side === 'BOT' ? OrderAction.BUY : OrderAction.SELL,
    ...(orderRef === undefined ? {} : { orderRef }),
    ...(permId === undefined ? {} : { permId }),
    ...(cumQty === undefined ? {} : { totalQuantity: cumQty }),
  }
}
