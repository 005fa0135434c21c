/** The broker's books: orders, their fills, positions and cash. Fills are worked out when somebody looks. */
import { randomUUID } from 'node:crypto'
import type { Clock } from 'holdfast'
import type { Ledger, LedgerRow } from '../ledger.ts'
import { type Fill, nextFill, remainingQty, type WorkingOrder, withoutNoise } from '../market/fills.ts'
import type { Market } from '../market/market.ts'
import type { MarketClock } from '../market/market-clock.ts'
import { costOf, Portfolio, type Position } from '../market/portfolio.ts'

/** An order as a client asks for it; figures are decimal texts. */
export interface OrderRequest {
  readonly symbol: string
  readonly qty: string
  readonly side: 'buy' | 'sell'
  readonly type: 'market' | 'limit' | 'stop' | 'stop_limit'
  readonly timeInForce: string
  readonly limitPrice: string | null
  readonly stopPrice: string | null
  readonly clientOrderId: string
  readonly extendedHours: boolean
}

export type OrderStatus = 'accepted' | 'new' | 'partially_filled' | 'filled' | 'canceled' | 'replaced'

/** An order in the books. Times are market time, milliseconds since 1970. */
export interface Order extends OrderRequest, WorkingOrder {
  readonly id: string
  /** The client's intent behind it. */
  readonly intent: string
  /** Real time, for the lag with which a lookup sees it. */
  readonly bookedAt: number
  readonly replaces: string | null
  status: OrderStatus
  updatedAt: number
  filledAt: number | null
  canceledAt: number | null
  replacedAt: number | null
  replacedBy: string | null
  /** The average of its fills, in dollars. */
  filledPrice: number | null
}

/** With what the account begins, in dollars. */
export const OPENING_CASH = 100_000

/** Who did what, for the ledger. */
export interface Origin {
  readonly intent: string
  readonly faultId: string | null
}

/** An order and the row that it left in the ledger. */
export interface Booked {
  readonly order: Order
  readonly row: LedgerRow
}

export class OrderBook {
  readonly #portfolio = new Portfolio(OPENING_CASH)
  readonly #market: Market
  readonly #marketClock: MarketClock
  readonly #ledger: Ledger
  readonly #clock: Clock
  readonly #orders = new Map<string, Order>()
  readonly #byClientOrderId = new Map<string, Order>()
  readonly #submissions = new Map<string, number>()

  /** @param options `clock`: real time, for the ledger and the lag of lookups */
  constructor(options: { market: Market; marketClock: MarketClock; ledger: Ledger; clock: Clock }) {
    this.#market = options.market
    this.#marketClock = options.marketClock
    this.#ledger = options.ledger
    this.#clock = options.clock
  }

  get positions(): ReadonlyMap<string, Position> {
    return this.#portfolio.positions
  }

  /** In dollars. */
  get cash(): number {
    return this.#portfolio.cash
  }

  /** What new orders may cost, in dollars. */
  get buyingPower(): number {
    return this.#portfolio.buyingPower(this.#market, this.#open())
  }

  /** What the positions are worth, in dollars. */
  get values(): ReturnType<Portfolio['values']> {
    return this.#portfolio.values(this.#market)
  }

  /** What an order may cost, in dollars; nothing for one that sells. */
  costOf(order: OrderRequest): number {
    return costOf(this.#market, order, Number(order.qty))
  }

  #open(): readonly Order[] {
    return [...this.#orders.values()].filter(isOpen)
  }

  /** All orders, newest first. */
  list(): readonly Order[] {
    this.settle()
    return [...this.#orders.values()].reverse()
  }

  get(id: string): Order | undefined {
    this.settle()
    return this.#orders.get(id)
  }

  byClientOrderId(clientOrderId: string): Order | undefined {
    this.settle()
    return this.#byClientOrderId.get(clientOrderId)
  }

  /** Notes that a submission arrived, be it refused or not. @returns how many have, with this id */
  countSubmission(clientOrderId: string): number {
    const count = (this.#submissions.get(clientOrderId) ?? 0) + 1
    this.#submissions.set(clientOrderId, count)
    return count
  }

  /** Books an order. @param replaces the order that it takes the place of */
  submit(request: OrderRequest, origin: Origin, attempt: number, replaces: string | null = null): Booked {
    const now = this.#marketClock.now()
    const order: Order = {
      ...request,
      id: randomUUID(),
      intent: origin.intent,
      createdAt: now,
      bookedAt: this.#clock.wallTime(),
      replaces,
      status: 'accepted',
      updatedAt: now,
      filledAt: null,
      canceledAt: null,
      replacedAt: null,
      replacedBy: null,
      filledPrice: null,
      filledQty: 0,
      tookAt: 0,
      watchedFrom: now,
      stopReached: request.stopPrice === null,
    }
    this.#orders.set(order.id, order)
    this.#byClientOrderId.set(order.clientOrderId, order)
    return { order, row: this.#write(replaces === null ? 'submit' : 'replace', order, origin, attempt) }
  }

  /** @returns undefined when it is too late */
  cancel(order: Order, origin: Origin): LedgerRow | undefined {
    if (!isOpen(order)) return undefined
    order.status = 'canceled'
    order.canceledAt = order.updatedAt = this.#marketClock.now()
    return this.#write('cancel', order, origin, 0)
  }

  /** Books a new order in place of an open one. */
  replace(order: Order, request: OrderRequest, origin: Origin): Booked {
    const replaced = this.submit(request, origin, this.countSubmission(request.clientOrderId), order.id)
    order.status = 'replaced'
    order.replacedBy = replaced.order.id
    order.replacedAt = order.updatedAt = this.#marketClock.now()
    return replaced
  }

  /** Fills what should have been filled by now. */
  settle(): void {
    for (const order of this.#open()) {
      for (let fill = this.#nextFill(order); fill !== undefined; fill = this.#nextFill(order)) this.#fill(order, fill)
      if (order.status === 'accepted' && this.#marketClock.isOpen() && this.#marketClock.now() > order.createdAt) {
        order.status = 'new'
      }
    }
  }

  #nextFill(order: Order): Fill | undefined {
    return nextFill(order, this.#market, this.#marketClock)
  }

  #fill(order: Order, { qty, price, at }: Fill): void {
    order.filledPrice = ((order.filledPrice ?? 0) * order.filledQty + price * qty) / (order.filledQty + qty)
    order.filledQty = withoutNoise(order.filledQty + qty)
    order.updatedAt = at
    const done = remainingQty(order) === 0
    order.status = done ? 'filled' : 'partially_filled'
    if (done) order.filledAt = at
    this.#portfolio.trade(order.symbol, order.side === 'buy' ? qty : -qty, price)
    const row = this.#write('fill', order, { intent: order.intent, faultId: null }, 0, String(qty))
    row.acked = true
  }

  #write(
    kind: LedgerRow['kind'],
    order: Order,
    { intent, faultId }: Origin,
    attempt: number,
    qty: string = order.qty,
  ): LedgerRow {
    const { id, clientOrderId, symbol, side } = order
    const t = this.#clock.wallTime()
    return this.#ledger.append({ kind, t, id, clientOrderId, intent, symbol, side, qty, attempt, faultId })
  }
}

/** Whether an order can still be filled. */
export function isOpen(order: Order): boolean {
  return order.status === 'accepted' || order.status === 'new' || order.status === 'partially_filled'
}
