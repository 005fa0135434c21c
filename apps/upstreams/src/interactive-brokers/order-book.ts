/** The books of Interactive Brokers: orders by permanent id, their executions, positions and cash. */
import type { Clock } from 'holdfast'
import { intentOf, type Ledger, type LedgerRow } from '../ledger.ts'
import { type Fill, isAtMarket, nextFill, remainingQty, withoutNoise } from '../market/fills.ts'
import type { Market } from '../market/market.ts'
import type { MarketClock } from '../market/market-clock.ts'
import { costOf, Portfolio } from '../market/portfolio.ts'
import type { Contract } from './contracts.ts'
import type { OrderType, PlaceOrder } from './place-order.ts'
import { type Execution, isOpen, type OrderState, type Telling, type TwsOrder } from './tws-order.ts'

/** With what the account begins, in dollars. */
export const OPENING_CASH = 1_000_000

/** A dollar an order, or half a cent a share if that is more. */
const LEAST_COMMISSION = 1
const COMMISSION_A_SHARE = 0.005

/** Something that happened to an order, for the client that placed it. */
export type OrderEvent =
  | { readonly type: 'state'; readonly order: TwsOrder }
  | { readonly type: 'execution'; readonly order: TwsOrder; readonly execution: Execution }

/** Who sent an order, and how it is told about. */
export interface Placement {
  readonly clientId: number
  readonly account: string
  readonly faultId: string | null
  readonly telling: Telling
}

export interface TwsBookOptions {
  readonly market: Market
  readonly marketClock: MarketClock
  readonly ledger: Ledger
  /** Real time, for the ledger. */
  readonly clock: Clock
  /** Hears of every change, as it happens. */
  readonly listener: (event: OrderEvent) => void
}

export class TwsOrderBook {
  readonly portfolio = new Portfolio(OPENING_CASH)
  readonly #options: TwsBookOptions
  readonly #orders: TwsOrder[] = []
  readonly #open = new Set<TwsOrder>()
  readonly #submissions = new Map<string, number>()

  constructor(options: TwsBookOptions) {
    this.#options = options
  }

  /** All orders, oldest first. */
  get orders(): readonly TwsOrder[] {
    return this.#orders
  }

  /** Orders that can still be filled, oldest first. */
  get open(): readonly TwsOrder[] {
    return [...this.#open]
  }

  get buyingPower(): number {
    return this.portfolio.buyingPower(this.#options.market, this.#open)
  }

  costOf(contract: Contract, { side, limitPrice, qty }: PlaceOrder): number {
    return costOf(this.#options.market, { symbol: contract.symbol, side, limitPrice }, Number(qty))
  }

  /** Orders of a client by its number of them; after ids were rolled back there may be several. */
  byOrderId(orderId: number): readonly TwsOrder[] {
    return this.#orders.filter((order) => order.orderId === orderId)
  }

  /** Books an order; unless it is to be transmitted, it stays in TWS. */
  place(
    request: PlaceOrder,
    { contract, orderType }: { readonly contract: Contract; readonly orderType: OrderType },
    { clientId, account, telling, faultId }: Placement,
  ): TwsOrder {
    const permId = 1_000_001 + this.#orders.length
    const now = this.#options.marketClock.now()
    const order: TwsOrder = {
      permId,
      orderId: request.orderId,
      clientId,
      contract,
      orderType,
      symbol: contract.symbol,
      side: request.side,
      qty: request.qty,
      limitPrice: request.limitPrice,
      stopPrice: request.stopPrice,
      timeInForce: request.timeInForce,
      orderRef: request.orderRef,
      intent: request.orderRef === '' ? `order ${permId}` : intentOf(undefined, request.orderRef),
      account,
      parentId: request.parentId,
      telling,
      executions: [],
      workingSince: now,
      goodUntil: request.timeInForce === 'DAY' ? this.#options.marketClock.nextClose(now) : Number.POSITIVE_INFINITY,
      trail: null,
      watchedFrom: now,
      stopReached: request.stopPrice === null,
      tookAt: 0,
      filledQty: 0,
      avgFillPrice: 0,
      transmitted: false,
      state: 'Inactive',
      completedAt: null,
      unacknowledged: [],
    }
    this.#orders.push(order)
    this.#open.add(order)
    if (request.transmit) this.#transmit(order, faultId)
    else this.#options.listener({ type: 'state', order })
    return order
  }

  /** Changes an open order as a client asks for it. */
  change(order: TwsOrder, request: PlaceOrder, faultId: string | null): void {
    order.qty = request.qty
    order.limitPrice = request.limitPrice
    order.stopPrice = request.stopPrice
    order.timeInForce = request.timeInForce
    if (!order.transmitted && request.transmit) this.#transmit(order, faultId)
    else {
      if (order.transmitted) order.unacknowledged.push(this.#write('replace', order, faultId))
      this.#options.listener({ type: 'state', order })
    }
    this.settle()
  }

  cancel(order: TwsOrder, faultId: string | null): void {
    if (!isOpen(order)) return
    if (order.transmitted) order.unacknowledged.push(this.#write('cancel', order, faultId))
    this.#complete(order, 'Cancelled')
    this.#options.listener({ type: 'state', order })
    for (const child of this.#childrenOf(order)) this.cancel(child, faultId)
  }

  /** Fills what should have been filled by now, and submits what has reached the market. */
  settle(): void {
    const { marketClock } = this.#options
    for (const order of this.#open) {
      if (!order.transmitted || !this.#isFree(order)) continue
      for (let fill = this.#nextFill(order); fill !== undefined; fill = this.#nextFill(order)) this.#fill(order, fill)
      if (order.state === 'PreSubmitted' && order.stopReached && isAtMarket(order, marketClock)) {
        this.#move(order, 'Submitted')
      }
      if (marketClock.now() >= order.goodUntil) this.#expire(order)
    }
  }

  /** The day is over. */
  #expire(order: TwsOrder): void {
    if (!isOpen(order)) return
    this.#complete(order, 'Cancelled')
    this.#options.listener({ type: 'state', order })
  }

  #transmit(order: TwsOrder, faultId: string | null): void {
    order.transmitted = true
    order.workingSince = order.watchedFrom = this.#options.marketClock.now()
    const attempt = (this.#submissions.get(order.orderRef) ?? 0) + 1
    this.#submissions.set(order.orderRef, attempt)
    order.unacknowledged.push(this.#write('submit', order, faultId, attempt))
    this.#move(order, 'PreSubmitted')
    // The last order of a group sends those that wait for it.
    const parent = this.#parentOf(order)
    if (parent !== undefined && !parent.transmitted) this.#transmit(parent, faultId)
    for (const child of this.#childrenOf(order)) if (!child.transmitted) this.#transmit(child, faultId)
  }

  /** Whether the order that must be filled first has been. */
  #isFree(order: TwsOrder): boolean {
    return order.parentId === 0 || this.#parentOf(order)?.state === 'Filled'
  }

  #parentOf({ parentId, clientId }: TwsOrder): TwsOrder | undefined {
    return parentId === 0 ? undefined : this.byOrderId(parentId).find((order) => order.clientId === clientId)
  }

  #childrenOf({ orderId, clientId }: TwsOrder): readonly TwsOrder[] {
    return this.open.filter((order) => order.parentId === orderId && order.clientId === clientId)
  }

  #nextFill(order: TwsOrder): Fill | undefined {
    return nextFill(order, this.#options.market, this.#options.marketClock)
  }

  #fill(order: TwsOrder, { qty, price, at }: Fill): void {
    order.avgFillPrice = (order.avgFillPrice * order.filledQty + price * qty) / (order.filledQty + qty)
    order.filledQty = withoutNoise(order.filledQty + qty)
    this.portfolio.trade(order.symbol, order.side === 'buy' ? qty : -qty, price)
    const execution = {
      execId: `0000e0d5.${order.permId.toString(16)}.01.${String(order.executions.length + 1).padStart(2, '0')}`,
      at,
      qty,
      price,
      cumQty: order.filledQty,
      avgPrice: order.avgFillPrice,
      commission: Math.max(LEAST_COMMISSION, qty * COMMISSION_A_SHARE),
    }
    order.executions.push(execution)
    this.#write('fill', order, null, 0, String(qty)).acked = true
    this.#options.listener({ type: 'execution', order, execution })
    if (remainingQty(order) === 0) this.#complete(order, 'Filled')
    else order.state = 'Submitted'
    this.#options.listener({ type: 'state', order })
  }

  #complete(order: TwsOrder, state: 'Filled' | 'Cancelled'): void {
    order.state = state
    order.completedAt = this.#options.marketClock.now()
    this.#open.delete(order)
  }

  #move(order: TwsOrder, state: OrderState): void {
    order.state = state
    this.#options.listener({ type: 'state', order })
  }

  #write(
    kind: LedgerRow['kind'],
    { permId, orderRef, intent, symbol, side, qty }: TwsOrder,
    faultId: string | null,
    attempt = 0,
    shares: string = qty,
  ): LedgerRow {
    const t = this.#options.clock.wallTime()
    const about = { id: String(permId), clientOrderId: orderRef, intent, symbol, side, qty: shares }
    return this.#options.ledger.append({ kind, t, ...about, attempt, faultId })
  }
}
