/** Changes of orders, which TWS has no name for: it makes a change to the order in its place. */
import type { PreparedReplacement } from '../broker/order.ts'
import { hasChange, type OrderRecord } from './order-shapes.ts'

/** How many changes that were made are remembered. As many as orders that are done. */
const KEPT = 20_000

/** A change that was sent. */
interface SentChange {
  readonly change: PreparedReplacement
  readonly permId: number
}

/** The changes that were sent, by their client order ids. */
export class SentChanges {
  /** On their way, or in doubt: kept until it is known. */
  readonly #open = new Map<string, SentChange>()
  /** Made, as TWS has told. For whoever looks one up. */
  readonly #made = new Map<string, SentChange>()

  /** Notes one that is about to be sent, or that an earlier process has sent. @returns false when it was under way already */
  begin(change: PreparedReplacement): boolean {
    const { clientOrderId, orderId } = change
    if (this.#open.has(clientOrderId)) return false
    this.#open.set(clientOrderId, { change, permId: Number(orderId) })
    return true
  }

  /** TWS has made it. */
  confirm(clientOrderId: string): void {
    const sent = this.#open.get(clientOrderId)
    if (sent === undefined) return
    this.#open.delete(clientOrderId)
    this.#made.set(clientOrderId, sent)
    const [oldest] = this.#made.keys()
    if (this.#made.size > KEPT && oldest !== undefined) this.#made.delete(oldest)
  }

  /** It is proven that TWS does not make it. */
  drop(clientOrderId: string): void {
    this.#open.delete(clientOrderId)
  }

  find(clientOrderId: string): SentChange | undefined {
    return this.#open.get(clientOrderId) ?? this.#made.get(clientOrderId)
  }

  /** Those not confirmed yet that an order shows to be made. */
  shownBy({ permId, order }: OrderRecord): readonly string[] {
    return [...this.#open]
      .filter(([, sent]) => sent.permId === permId && hasChange(order, sent.change))
      .map(([clientOrderId]) => clientOrderId)
  }
}
