import { remainingQty, type WorkingOrder, withoutNoise } from './fills.ts'
import type { Market } from './market.ts'

/** What is held of one symbol. */
export interface Position {
  readonly symbol: string
  /** Below zero for a short position. */
  qty: number
  /** Average price paid, in dollars. */
  entryPrice: number
}

/** What a short position binds, as a share of its value: the proceeds and half as much again. */
const SHORT_MARGIN = 1.5

/** Cash and positions of an account. */
export class Portfolio {
  /** In dollars. */
  cash: number
  readonly positions: Map<string, Position> = new Map()

  constructor(openingCash: number) {
    this.cash = openingCash
  }

  /** Books a trade. @param signedQty what was bought, or, below zero, sold */
  trade(symbol: string, signedQty: number, price: number): void {
    this.cash -= signedQty * price
    const held = this.positions.get(symbol) ?? { symbol, qty: 0, entryPrice: price }
    const qty = withoutNoise(held.qty + signedQty)
    if (Math.sign(held.qty) === Math.sign(signedQty) || held.qty === 0) {
      held.entryPrice = (held.entryPrice * Math.abs(held.qty) + price * Math.abs(signedQty)) / Math.abs(qty)
    } else if (Math.sign(qty) === Math.sign(signedQty)) {
      held.entryPrice = price
    }
    held.qty = qty
    if (qty === 0) this.positions.delete(symbol)
    else this.positions.set(symbol, held)
  }

  /** What new orders may cost, in dollars: cash less what open orders to buy may cost and what short positions bind. */
  buyingPower(market: Market, openOrders: Iterable<WorkingOrder>): number {
    let power = this.cash
    for (const order of openOrders) power -= costOf(market, order, remainingQty(order))
    for (const { symbol, qty } of this.positions.values()) {
      if (qty < 0) power += SHORT_MARGIN * qty * market.lastTrade(symbol).price
    }
    return Math.max(0, power)
  }

  /** What the positions are worth, in dollars. */
  values(market: Market): { readonly long: number; readonly short: number } {
    let long = 0
    let short = 0
    for (const { symbol, qty } of this.positions.values()) {
      const value = qty * market.lastTrade(symbol).price
      if (value >= 0) long += value
      else short += value
    }
    return { long, short }
  }
}

/** What shares of an order may cost, in dollars; nothing for one that sells. */
export function costOf(
  market: Market,
  { symbol, side, limitPrice }: Pick<WorkingOrder, 'symbol' | 'side' | 'limitPrice'>,
  shares: number,
): number {
  return side === 'sell' ? 0 : shares * Number(limitPrice ?? market.quote(symbol).ask)
}
