/** What the journal knows of one intent, and how that may change. No storage here: both journals go by these rules. */
import type { Intent, Order } from '../broker/order.ts'
import { JournalError } from '../errors.ts'

/**
 * Where an intent is:
 * - `intended`: wanted, and nothing of it has left;
 * - `sending`: an attempt may be on its way;
 * - `accepted`, `refused`: the broker has it, the broker does not want it;
 * - `never-sent`: given up, and it is proven that nothing left;
 * - `in-doubt`: it may be with the broker, nobody knows yet.
 */
export type IntentState = 'intended' | 'sending' | 'accepted' | 'refused' | 'never-sent' | 'in-doubt'

/** All that is known of one intent. */
export interface JournalEntry {
  readonly account: string
  readonly clientOrderId: string
  readonly state: IntentState
  readonly intent: Intent
  /** How many attempts began. */
  readonly attempts: number
  /** The order as the broker last told it, once it did. */
  readonly order: Order | null
  /** Why it is where it is: the broker's refusal, or what happened to the attempt. */
  readonly reason: string | null
  /** Whether the same intent may be sent again: never sent, or turned away unread. */
  readonly resendable: boolean
  /** Whether all orders were cancelled since it was sent: it is not sent again, and cancelled should it be found. */
  readonly isUnwanted?: boolean | undefined
  /** Whether an operator has said that the broker never had it: should the broker show it after all, the broker is right. */
  readonly isDenied?: boolean | undefined
  /** When it was wanted, in milliseconds since 1970. */
  readonly intendedAt: number
  /** When it came to be where it is. */
  readonly changedAt: number
}

/** What the journal writes down, one after another. Times are milliseconds since 1970. */
export type JournalEvent = { readonly clientOrderId: string; readonly at: number } & (
  | { readonly type: 'intended'; readonly intent: Intent }
  | { readonly type: 'sending'; readonly attempt: number }
  | { readonly type: 'accepted'; readonly order: Order }
  | { readonly type: 'refused'; readonly reason: string; readonly resendable: boolean }
  | { readonly type: 'never-sent'; readonly reason: string }
  | { readonly type: 'in-doubt'; readonly reason: string }
  | { readonly type: 'unwanted' }
  | { readonly type: 'reconciled'; readonly order: Order; readonly evidence: ReconciliationEvidence }
  | { readonly type: 'resolved'; readonly order: Order | null; readonly by: string; readonly note: string }
)

/** What told that the broker has an order that was in doubt. */
export type ReconciliationEvidence = 'lookup' | 'duplicate-id' | 'stream' | 'late-answer'

/** Which states an event may follow. */
const FOLLOWS: Readonly<Record<Exclude<JournalEvent['type'], 'intended'>, readonly IntentState[]>> = {
  sending: ['intended', 'sending', 'in-doubt'],
  accepted: ['sending', 'in-doubt'],
  refused: ['sending', 'in-doubt'],
  'never-sent': ['intended', 'sending'],
  'in-doubt': ['sending', 'in-doubt'],
  unwanted: ['sending', 'in-doubt'],
  reconciled: ['sending', 'in-doubt', 'accepted', 'refused', 'never-sent'],
  resolved: ['in-doubt'],
}

/**
 * What the journal knows after an event.
 *
 * @param before undefined when it knew nothing
 * @throws JournalError when the event cannot follow: an intent that was accepted is not sent again
 */
export function entryAfter(account: string, before: JournalEntry | undefined, event: JournalEvent): JournalEntry {
  if (event.type === 'intended') return intended(account, before, event)
  if (before === undefined || !FOLLOWS[event.type].includes(before.state)) {
    const state = before?.state ?? 'unknown'
    throw new JournalError(`${event.clientOrderId} is ${state}, so it cannot become "${event.type}"; look it up first`)
  }
  const entry = { ...before, changedAt: event.at }
  switch (event.type) {
    case 'sending':
      return { ...entry, state: 'sending', attempts: event.attempt, reason: null, resendable: false }
    case 'accepted':
    case 'reconciled':
      return { ...entry, state: 'accepted', order: event.order, reason: null, resendable: false, isDenied: undefined }
    case 'refused':
      return { ...entry, state: 'refused', reason: event.reason, resendable: event.resendable }
    case 'never-sent':
      return { ...entry, state: 'never-sent', reason: event.reason, resendable: true }
    case 'in-doubt':
      return { ...entry, state: 'in-doubt', reason: event.reason, resendable: false }
    case 'unwanted':
      return { ...before, isUnwanted: true }
    case 'resolved': {
      const state = event.order === null ? 'refused' : 'accepted'
      const reason = `resolved by ${event.by}: ${event.note}`
      const isDenied = event.order === null ? true : undefined
      return { ...entry, state, order: event.order, reason, resendable: false, isDenied }
    }
  }
}

/** Whether nothing more can happen to it by itself. */
export function isSettled({ state }: Pick<JournalEntry, 'state'>): boolean {
  return state === 'accepted' || state === 'refused' || state === 'never-sent'
}

function intended(
  account: string,
  before: JournalEntry | undefined,
  { clientOrderId, intent, at }: Extract<JournalEvent, { type: 'intended' }>,
): JournalEntry {
  if (before !== undefined && !before.resendable) {
    throw new JournalError(`${clientOrderId} is ${before.state} already; an id stands for one intent`)
  }
  return {
    account,
    clientOrderId,
    state: 'intended',
    intent,
    attempts: before?.attempts ?? 0,
    order: null,
    reason: null,
    resendable: false,
    intendedAt: at,
    changedAt: at,
  }
}
