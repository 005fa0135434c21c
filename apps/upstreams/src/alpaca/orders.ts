/** The broker's books: orders, their fills, positions and cash. Fills are worked out when somebody looks. */
import { randomUUID } from 'node:crypto'
import type { Ledger, LedgerRow } from '../ledger.ts'
import type { Market } from '../market/market.ts'
import type { MarketClock } from '../market/market-clock.ts'

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

export type OrderStatus = 'accepted' | 'new' | 'filled' | 'canceled' | 'replaced'

/** An order in the books. Times are market time, milliseconds since 1970. */
export interface Order extends OrderRequest {
  readonly id: string
  readonly createdAt: number
  /** Real time, for the lag with which a lookup sees it. */
  readonly bookedAt: number
  status: OrderStatus
  updatedAt: number
  filledAt: number | null
  canceledAt: number | null
  replacedAt: number | null
  replacedBy: string | null
  readonly replaces: string | null
  filledPrice: number | null
}

export interface Position {
  readonly symbol: string
  qty: number
  /** Average price paid. */
  entryPrice: number
}

/** How long a market order takes to be filled, in milliseconds of market time. */
const FILL_AFTER_MS = 50

/** With what the account begins, in dollars. */
const OPENING_CASH = 100_000

/** Who did what, for the ledger. */
export interface Origin {
  readonly intent: string
  readonly faultId: string | null
  /** Now, in milliseconds since 1970 (real time). */
  readonly at: number
}

export class OrderBook {
  readonly positions: Map<string, Position> = new Map()
  cash = OPENING_CASH
  readonly #market: Market
  readonly #marketClock: MarketClock
  readonly #ledger: Ledger
  readonly #orders = new Map<string, Order>()
  readonly #byClientOrderId = new Map<string, Order>()
  readonly #submissions = new Map<string, number>()

  constructor(market: Market, marketClock: MarketClock, ledger: Ledger) {
    this.#market = market
    this.#marketClock = marketClock
    this.#ledger = ledger
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

  submit(
    request: OrderRequest,
    origin: Origin,
    attempt: number,
    replaces: string | null = null,
  ): { order: Order; row: LedgerRow } {
    const now = this.#marketClock.now()
    const order: Order = {
      ...request,
      id: randomUUID(),
      createdAt: now,
      bookedAt: origin.at,
      status: 'accepted',
      updatedAt: now,
      filledAt: null,
      canceledAt: null,
      replacedAt: null,
      replacedBy: null,
      replaces,
      filledPrice: null,
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

  /** A new order in place of an open one. */
  replace(order: Order, change: Partial<OrderRequest>, origin: Origin): { order: Order; row: LedgerRow } {
    const { symbol, qty, side, type, timeInForce, limitPrice, stopPrice, extendedHours } = order
    const request = {
      symbol,
      qty,
      side,
      type,
      timeInForce,
      limitPrice,
      stopPrice,
      extendedHours,
      clientOrderId: randomUUID(),
    }
    const replaced = this.submit({ ...request, ...change }, origin, 1, order.id)
    order.status = 'replaced'
    order.replacedBy = replaced.order.id
    order.replacedAt = order.updatedAt = this.#marketClock.now()
    return replaced
  }

  /** Fills what should have been filled by now. */
  settle(): void {
    const now = this.#marketClock.now()
    for (const order of this.#orders.values()) {
      if (!isOpen(order) || now < order.createdAt + FILL_AFTER_MS || !this.#marketClock.isOpen(now)) continue
      const { bid, ask } = this.#market.quote(order.symbol)
      const price = order.side === 'buy' ? ask : bid
      if (isMet(order, price)) this.#fill(order, price, now)
      else order.status = 'new'
    }
  }

  #fill(order: Order, price: number, now: number): void {
    const signed = Number(order.qty) * (order.side === 'buy' ? 1 : -1)
    order.status = 'filled'
    order.filledPrice = price
    order.filledAt = order.updatedAt = now
    this.cash -= signed * price
    const held = this.positions.get(order.symbol) ?? { symbol: order.symbol, qty: 0, entryPrice: price }
    const qty = held.qty + signed
    if (Math.sign(held.qty) === Math.sign(signed) || held.qty === 0) {
      held.entryPrice = (held.entryPrice * Math.abs(held.qty) + price * Math.abs(signed)) / Math.abs(qty)
    } else if (Math.sign(qty) === Math.sign(signed)) {
      held.entryPrice = price
    }
    held.qty = qty
    if (qty === 0) this.positions.delete(order.symbol)
    else this.positions.set(order.symbol, held)
    this.#write('fill', order, { intent: order.clientOrderId, faultId: null, at: order.bookedAt }, 0).acked = true
  }

  #write(kind: LedgerRow['kind'], order: Order, { intent, faultId, at }: Origin, attempt: number): LedgerRow {
    const { id, clientOrderId, symbol, side, qty } = order
    return this.#ledger.append({ kind, t: at, id, clientOrderId, intent, symbol, side, qty, attempt, faultId })
  }
}

/** Whether an order can still be filled. */
export function isOpen(order: Order): boolean {
  return order.status === 'accepted' || order.status === 'new'
}

function isMet({ type, side, limitPrice, stopPrice }: Order, price: number): boolean {
  const buys = side === 'buy'
  const stopped = stopPrice === null || (buys ? price >= Number(stopPrice) : price <= Number(stopPrice))
  const limited = limitPrice === null || (buys ? price <= Number(limitPrice) : price >= Number(limitPrice))
  if (type === 'market') return true
  if (type === 'stop') return stopped
  return type === 'limit' ? limited : stopped && limited
}
