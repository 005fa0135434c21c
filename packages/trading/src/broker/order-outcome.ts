/** What became of an order. A value, not an exception, so that the compiler sees which cases a program has forgotten. */

import { NeverSentError, type OrderInDoubtError, OrderRefusedError } from '../errors.ts'
import type { JournalEntry } from '../journal/journal-entry.ts'
import type { Intent, Order } from './order.ts'

/** The broker has the order. */
export interface AcceptedOrder {
  readonly status: 'accepted'
  readonly clientOrderId: string
  readonly order: Order
  /**
   * What told: the broker's own `answer`; a `lookup` after doubt; a `stream`; that its id was taken (`duplicate-id`); an
   * answer that came after its time (`late-answer`); or the `journal`, where this very intent was settled before.
   */
  readonly evidence: 'answer' | 'lookup' | 'stream' | 'duplicate-id' | 'late-answer' | 'journal'
}

/** The broker does not have the order: it read and refused it, or turned it away unread. */
export interface RefusedOrder {
  readonly status: 'refused'
  readonly clientOrderId: string
  readonly intent: Intent
  /** In the broker's words. */
  readonly reason: string
  /** Whether it was turned away unread, for being too fast, so that it may be submitted again. */
  readonly resendable: boolean
  /** When that makes sense, in milliseconds, if anybody said. */
  readonly retryAfterMs: number | undefined
  /** The error behind it; undefined when it is known from the journal. */
  readonly cause: unknown
}

/** It is proven that nothing left this process: our own guard refused, no connection was made, or the wire shows it. */
export interface NeverSentOrder {
  readonly status: 'never-sent'
  readonly clientOrderId: string
  readonly intent: Intent
  readonly reason: string
  readonly retryAfterMs: number | undefined
  readonly cause: unknown
}

/**
 * Nobody knows whether the broker has it. Only {@link Broker.reconcile} takes this; it goes on being looked up by itself,
 * and is listed in {@link Broker.inDoubt} until that is known.
 */
export interface InDoubtOrder {
  readonly status: 'in-doubt'
  readonly clientOrderId: string
  readonly entry: JournalEntry
  readonly error: OrderInDoubtError
}

/** What became of an order. */
export type OrderOutcome = AcceptedOrder | RefusedOrder | NeverSentOrder | InDoubtOrder

/** An outcome after which the same intent may be submitted again. */
export type ResendableOrder = NeverSentOrder | (RefusedOrder & { readonly resendable: true })

/**
 * The order, for those who would rather have an exception for everything else.
 *
 * @throws OrderRefusedError, NeverSentError, OrderInDoubtError
 * @example
 * const order = acceptedOrder(await broker.submitOrder(request))
 */
export function acceptedOrder(outcome: OrderOutcome): Order {
  switch (outcome.status) {
    case 'accepted':
      return outcome.order
    case 'refused':
      throw new OrderRefusedError(outcome.reason, { cause: outcome.cause })
    case 'never-sent':
      throw new NeverSentError(outcome.cause)
    case 'in-doubt':
      throw outcome.error
  }
}

/** What the journal says of an intent that is settled. */
export function outcomeOf(entry: JournalEntry): OrderOutcome {
  const { clientOrderId, state, intent, order, resendable } = entry
  const reason = entry.reason ?? ''
  if (order !== null) return { status: 'accepted', clientOrderId, order, evidence: 'journal' }
  if (state === 'never-sent') {
    return { status: 'never-sent', clientOrderId, intent, reason, retryAfterMs: undefined, cause: undefined }
  }
  return { status: 'refused', clientOrderId, intent, reason, resendable, retryAfterMs: undefined, cause: undefined }
}
