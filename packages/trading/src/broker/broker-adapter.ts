/** What a desk asks of a broker's adapter, whatever the broker speaks. */
import type { Unsubscribe } from 'holdfast'
import type { Account, Position } from './account.ts'
import type { Order, PreparedOrder, PreparedReplacement } from './order.ts'

/** One attempt, as an adapter sees it. */
export interface Attempt {
  /** From 1. */
  readonly attempt: number
  /** Aborted when the attempt has had its time, or nobody wants it any more. */
  readonly signal: AbortSignal
}

/** One attempt to send something that must not happen twice. */
export interface SendingAttempt extends Attempt {
  /**
   * Aborted when nothing new may be sent: what has not left by then must not leave any more, wherever it waits. What has
   * left is not given up.
   */
  readonly halt: AbortSignal
}

/**
 * A broker through its SDK. It makes one attempt at a time: it never retries, never queues, never decides about doubt. The
 * guards, the journal, retries, reconciliation and the kill switch are those of the {@link Broker} round it.
 *
 * What it throws says what became of the order: `NeverSentError` that no byte left, `OrderRefusedError` that the broker
 * does not want it, `DuplicateOrderIdError` that it has it already. Of every other error the table of `docs/orders.md` says
 * what it proves, and mostly that is nothing.
 */
export interface BrokerAdapter {
  /** For errors: `alpaca`. */
  readonly name: string
  /** How many characters a client order id may have. */
  readonly longestClientOrderId: number
  /** Whether the broker refuses a second order with the same client order id, so that sending it again does no harm. */
  readonly refusesDuplicateIds: boolean
  /** What this broker asks of an order beyond what all ask. @throws InvalidRequestError */
  checkOrder?(order: PreparedOrder | PreparedReplacement): void
  /** Sends the order, once, and waits until the broker has acknowledged it. */
  placeOrder(order: PreparedOrder, attempt: SendingAttempt): Promise<Order>
  /** Sends the change, once, and waits for the order that takes the old one's place. */
  replaceOrder(change: PreparedReplacement, attempt: SendingAttempt): Promise<Order>
  /** Asks for a cancellation. Rejects with status 404 or 422 when there is nothing to cancel any more. */
  cancelOrder(orderId: string, attempt: Attempt): Promise<void>
  cancelAllOrders(attempt: Attempt): Promise<void>
  /**
   * Looks everywhere that the broker keeps orders, open, closed and filled. Undefined only when the broker answered that
   * it knows none: when it could not be asked, it throws.
   */
  findOrder(clientOrderId: string, attempt: Attempt): Promise<Order | undefined>
  getOrder(orderId: string, attempt: Attempt): Promise<Order>
  getOpenOrders(attempt: Attempt): Promise<readonly Order[]>
  getAccount(attempt: Attempt): Promise<Account>
  getPositions(attempt: Attempt): Promise<readonly Position[]>
  /**
   * Is given, before the first order, numbers that were never given before and never will be, at least as large as asked
   * for: for brokers that want orders numbered, and lose count themselves. Each is on the disk before it is given.
   */
  useNumbers?(take: (atLeast: number) => Promise<number>): void
  /**
   * Is told, before it is asked to find it, of a change that an earlier process may have sent: for brokers that change an
   * order in its place, so that nothing at the broker has the client order id of the change.
   */
  recall?(change: PreparedReplacement): void
  /** Tells of orders as a stream shows them: evidence that ends any doubt at once. */
  onOrder?(listener: (order: Order) => void): Unsubscribe
}
