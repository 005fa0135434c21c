/** The broker's books: orders, their fills, positions and cash. Fills are worked out when somebody looks. */
import { randomUUID } from 'node:crypto'
import type { Clock } from 'holdfast'
import type { Ledger, LedgerRow } from '../ledger.ts'
import { type Fill, isAtMarket, nextFill, remainingQty, withoutNoise } from '../market/fills.ts'
import type { Market } from '../market/market.ts'
import type { MarketClock } from '../market/market-clock.ts'
import { costOf, Portfolio, type Position } from '../market/portfolio.ts'
import { legsOf, newOrder } from './new-order.ts'
import { isHeld, isOpen, type Order, type OrderEvent, type OrderEventName, type OrderRequest } from './order.ts'

/** With what the account begins, in dollars. */
export const OPENING_CASH = 100_000

/** Who did what, for the ledger. */
export interface Origin {
  readonly intent: string
  readonly faultId: string | null
  /** Whether the exchange turns the order down after Alpaca took it. */
  readonly isTurnedDown?: boolean
}

/** An order and the row that it left in the ledger. */
export interface Booked {
  readonly order: Order
  readonly row: LedgerRow
}

export interface OrderBookOptions {
  readonly market: Market
  readonly marketClock: MarketClock
  readonly ledger: Ledger
  /** Real time, for the ledger and the lags. */
  readonly clock: Clock
  /** Hears of what happens to orders, as it is worked out. */
  readonly listener: (event: OrderEvent) => void
}

export class OrderBook {
  /** How long a cancellation takes to take effect, in milliseconds. */
  cancelLagMs = 0
  readonly #options: OrderBookOptions
  readonly #portfolio = new Portfolio(OPENING_CASH)
  readonly #orders = new Map<string, Order>()
  readonly #open = new Set<Order>()
  readonly #byClientOrderId = new Map<string, Order>()
  readonly #submissions = new Map<string, number>()

  constructor(options: OrderBookOptions) {
    this.#options = options
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
    const binding = [...this.#open].filter((order) => !isHeld(order))
    return this.#portfolio.buyingPower(this.#options.market, binding)
  }

  /** What the positions are worth, in dollars. */
  get values(): ReturnType<Portfolio['values']> {
    return this.#portfolio.values(this.#options.market)
  }

  /** What an order may cost, in dollars; nothing for one that sells. */
  costOf({ symbol, side, limitPrice, qty, notional }: OrderRequest): number {
    if (notional !== null) return side === 'buy' ? Number(notional) : 0
    return costOf(this.#options.market, { symbol, side, limitPrice }, Number(qty))
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
    const { market, marketClock, clock } = this.#options
    const about = { origin, replaces, market, marketClock, bookedAt: clock.wallTime() }
    const order = newOrder(request, about)
    this.#enter(order)
    const row = this.#write(replaces === null ? 'submit' : 'replace', order, origin, { attempt })
    for (const leg of legsOf(order, about)) {
      order.legs.push(leg)
      this.#enter(leg)
    }
    this.#tell(order.status === 'accepted' ? 'accepted' : 'pending_new', order, order.createdAt)
    return { order, row }
  }

  /** Asks for a cancellation, which may take its time. @returns undefined when it is too late */
  cancel(order: Order, origin: Origin): LedgerRow | undefined {
    if (!isOpen(order)) return undefined
    const row = this.#write('cancel', order, origin)
    if (this.cancelLagMs === 0) {
      this.#end(order, 'canceled', this.#options.marketClock.now())
    } else if (order.cancelDueAt === null) {
      order.cancelDueAt = this.#options.clock.wallTime() + this.cancelLagMs
      this.#move(order, 'pending_cancel')
    }
    return row
  }

  /** Books a new order in place of an open one. */
  replace(order: Order, request: OrderRequest, origin: Origin): Booked {
    const replaced = this.submit(request, origin, this.countSubmission(request.clientOrderId), order.id)
    order.replacedBy = replaced.order.id
    this.#end(order, 'replaced', this.#options.marketClock.now())
    return replaced
  }

  /** Does to each order what should have happened to it by now. */
  settle(): void {
    for (const order of this.#open) {
      if (isHeld(order)) continue
      this.#release(order)
      if (order.isTurnedDown && this.#isAtMarket(order)) {
        this.#end(order, 'rejected', this.#options.marketClock.now())
        continue
      }
      this.#fillWhatIs(order)
      if (isOpen(order)) this.#goOn(order)
    }
  }

  /** A leg whose order has been filled goes to the market. */
  #release(order: Order): void {
    if (order.status !== 'held' || order.parent === null || order.parent.request.orderClass === 'oco') return
    order.workingSince = order.watchedFrom = order.parent.filledAt ?? this.#options.marketClock.now()
    this.#move(order, 'new')
  }

  #fillWhatIs(order: Order): void {
    const { market, marketClock } = this.#options
    const allOrNothing = order.request.timeInForce === 'fok'
    for (;;) {
      const fill = isOpen(order) ? nextFill(order, market, marketClock) : undefined
      if (fill === undefined || (allOrNothing && fill.qty < remainingQty(order))) return
      this.#fill(order, fill)
    }
  }

  /** What becomes of an order that is still open after it was filled as far as it could be. */
  #goOn(order: Order): void {
    const { marketClock, clock } = this.#options
    const now = marketClock.now()
    const { timeInForce } = order.request
    if (order.cancelDueAt !== null && clock.wallTime() >= order.cancelDueAt) this.#end(order, 'canceled', now)
    else if (now >= order.goodUntil) this.#end(order, 'expired', order.goodUntil)
    else if (!this.#isAtMarket(order)) return
    else if (timeInForce === 'ioc' || timeInForce === 'fok') this.#end(order, 'canceled', now)
    else if (order.status === 'pending_new' || order.status === 'accepted') this.#move(order, 'new')
  }

  #isAtMarket(order: Order): boolean {
    return isAtMarket(order, this.#options.marketClock)
  }

  #fill(order: Order, { qty, price, at }: Fill): void {
    order.filledPrice = ((order.filledPrice ?? 0) * order.filledQty + price * qty) / (order.filledQty + qty)
    order.filledQty = withoutNoise(order.filledQty + qty)
    order.updatedAt = at
    const done = remainingQty(order) === 0
    if (done) {
      order.filledAt = at
      this.#open.delete(order)
    }
    // A cancellation that is under way stays to be seen.
    if (done || order.status !== 'pending_cancel') order.status = done ? 'filled' : 'partially_filled'
    this.#portfolio.trade(order.symbol, order.side === 'buy' ? qty : -qty, price)
    const fill = { id: randomUUID(), at, qty, price, cumQty: order.filledQty }
    order.fills.push(fill)
    this.#write('fill', order, { intent: order.intent, faultId: null }, { qty: String(qty) }).acked = true
    const positionQty = this.positions.get(order.symbol)?.qty ?? 0
    this.#tell(done ? 'fill' : 'partial_fill', order, at, { fill, positionQty })
    if (done) this.#endRivals(order, at)
  }

  /** Of a group, the other ways out are no longer wanted once one is taken. */
  #endRivals(order: Order, at: number): void {
    const { parent } = order
    const group = parent === null ? [] : [parent, ...parent.legs]
    const rivals = order.request.orderClass === 'oco' ? order.legs : group
    for (const rival of rivals) if (rival !== order && isOpen(rival)) this.#end(rival, 'canceled', at)
  }

  #end(order: Order, status: 'canceled' | 'replaced' | 'expired' | 'rejected', at: number): void {
    const fields = {
      canceled: 'canceledAt',
      replaced: 'replacedAt',
      expired: 'expiredAt',
      rejected: 'failedAt',
    } as const
    order[fields[status]] = at
    order.status = status
    order.updatedAt = at
    this.#open.delete(order)
    this.#tell(status, order, at)
    for (const leg of order.legs) if (isOpen(leg)) this.#end(leg, 'canceled', at)
  }

  #move(order: Order, status: 'new' | 'pending_cancel'): void {
    order.status = status
    order.updatedAt = this.#options.marketClock.now()
    this.#tell(status, order, order.updatedAt)
  }

  #enter(order: Order): void {
    this.#orders.set(order.id, order)
    this.#open.add(order)
    this.#byClientOrderId.set(order.clientOrderId, order)
  }

  #tell(event: OrderEventName, order: Order, at: number, more: Partial<OrderEvent> = {}): void {
    this.#options.listener({ ...more, event, order, at })
  }

  #write(
    kind: LedgerRow['kind'],
    { id, clientOrderId, symbol, side, qty }: Order,
    { intent, faultId }: Origin,
    more: { readonly attempt?: number; readonly qty?: string } = {},
  ): LedgerRow {
    const t = this.#options.clock.wallTime()
    const about = { kind, t, id, clientOrderId, intent, symbol, side, faultId }
    return this.#options.ledger.append({ ...about, qty: more.qty ?? qty, attempt: more.attempt ?? 0 })
  }
}
