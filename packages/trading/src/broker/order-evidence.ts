/** The proof table: what the failure of an attempt says about the order. In prose: docs/orders.md. */
import { describeFailure } from 'holdfast'
import { DuplicateOrderIdError, OrderRefusedError } from '../errors.ts'

/**
 * What is proven:
 * - `never-sent`: no byte left; it may be repeated;
 * - `refused`: the broker does not have it; `isFinal` unless it was turned away unread, for being too fast;
 * - `duplicate`: the broker has it already, from an attempt before;
 * - `nothing`: it may have arrived.
 */
export type OrderEvidence =
  | { readonly proves: 'never-sent'; readonly retryAfterMs: number | undefined }
  | { readonly proves: 'refused'; readonly isFinal: boolean; readonly retryAfterMs: number | undefined }
  | { readonly proves: 'duplicate' }
  | { readonly proves: 'nothing' }

/** Some brokers say "400 Bad Request" of an order that they place a few seconds later. */
const TIMED_OUT_AFTER_ALL = /tim(?:ed?|ing)[ -]?out|check (?:the |your )?order ?book/i

/** Reads what a failed attempt proves about its order. @example if (orderEvidence(error).proves === 'nothing') await lookUp() */
export function orderEvidence(error: unknown): OrderEvidence {
  if (error instanceof DuplicateOrderIdError) return { proves: 'duplicate' }
  if (error instanceof OrderRefusedError) return { proves: 'refused', isFinal: true, retryAfterMs: undefined }
  const { kind, status, throttled, retryAfterMs } = describeFailure(error)
  if (kind === 'ours' || kind === 'never-sent') return { proves: 'never-sent', retryAfterMs }
  if (kind !== 'refused') return { proves: 'nothing' }
  const turnedAway = throttled || status === 503 || status === 425
  if (!turnedAway && TIMED_OUT_AFTER_ALL.test(messageOf(error))) return { proves: 'nothing' }
  return { proves: 'refused', isFinal: !turnedAway, retryAfterMs }
}

/** What happened, in a line for the journal. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.length > 300 ? `${text.slice(0, 297)}...` : text
}
