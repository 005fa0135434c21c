import { withoutNoise } from './fills.ts'

/** What is held of one symbol. */
export interface Position {
  readonly symbol: string
  /** Below zero for a short position. */
  qty: number
  /** Average price paid, in dollars. */
  entryPrice: number
}

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
}
