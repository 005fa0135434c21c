import type { JournalEntry } from '../journal/journal-entry.ts'
import type { AcceptedOrder } from './order-outcome.ts'

interface BrokerEventBase {
  /** When, in milliseconds since 1970. */
  readonly at: number
  readonly account: string
}

/** An order came into doubt: it is being looked up. */
export interface InDoubtEvent extends BrokerEventBase {
  readonly type: 'in-doubt'
  readonly entry: JournalEntry
}

/** An order is in doubt no more: the broker has it. */
export interface ReconciledEvent extends BrokerEventBase {
  readonly type: 'reconciled'
  readonly outcome: AcceptedOrder
}

/** All looks are done and the broker knows nothing of the order. It stays in doubt, and goes on being looked up now and then. */
export interface NotFoundEvent extends BrokerEventBase {
  readonly type: 'not-found'
  readonly entry: JournalEntry
}

/** An operator has said what became of an order in doubt. */
export interface ResolvedEvent extends BrokerEventBase {
  readonly type: 'resolved'
  readonly entry: JournalEntry
}

/** What an earlier process left unsettled has been looked up: new orders are taken. */
export interface RecoveredEvent extends BrokerEventBase {
  readonly type: 'recovered'
  /** How many entries were found unsettled, and how many of them are still in doubt. */
  readonly unsettled: number
  readonly inDoubt: number
}

/** The kill switch was turned. */
export interface KillSwitchEvent extends BrokerEventBase {
  readonly type: 'kill-switch'
  readonly engaged: boolean
  readonly by: string
  readonly reason: string
}

/** The journal failed, or another process took the account: no new order leaves any more. */
export interface LostEvent extends BrokerEventBase {
  readonly type: 'lost'
  readonly reason: Error
}

/** What can be seen of a broker's orders from outside. */
export type BrokerEvent =
  | InDoubtEvent
  | ReconciledEvent
  | NotFoundEvent
  | ResolvedEvent
  | RecoveredEvent
  | KillSwitchEvent
  | LostEvent
