/**
 * What brokers and data providers have in common. Each adapter has an entry of its own (`@holdfast/trading/alpaca`,
 * `@holdfast/trading/polygon`), so that only the SDKs that are used need be there; the journal on disk has one as well
 * (`@holdfast/trading/journal`), because it needs `node:sqlite`.
 */
export type { Account, Position } from './broker/account.ts'
export { Broker, type CancelOutcome, type OrderKeeping, type Resolution } from './broker/broker.ts'
export type { Attempt, BrokerAdapter, SendingAttempt } from './broker/broker-adapter.ts'
export type {
  BrokerEvent,
  InDoubtEvent,
  KillSwitchEvent,
  LostEvent,
  NotFoundEvent,
  ReconciledEvent,
  RecoveredEvent,
  ResolvedEvent,
} from './broker/broker-event.ts'
export type {
  Intent,
  Order,
  OrderChange,
  OrderRequest,
  OrderSide,
  OrderType,
  PreparedOrder,
  PreparedReplacement,
  TimeInForce,
} from './broker/order.ts'
export { type OrderEvidence, orderEvidence } from './broker/order-evidence.ts'
export {
  type AcceptedOrder,
  acceptedOrder,
  type InDoubtOrder,
  type NeverSentOrder,
  type OrderOutcome,
  type RefusedOrder,
  type ResendableOrder,
} from './broker/order-outcome.ts'
export type { ReconciliationOptions } from './broker/reconciliation.ts'
export { type Bar, type BarsQuery, type DataProvider, type Quote, TIMEFRAMES, type Timeframe } from './data-provider.ts'
export {
  AccountLostError,
  AccountTakenError,
  DuplicateOrderIdError,
  InvalidRequestError,
  JournalError,
  KillSwitchError,
  MalformedAnswerError,
  NeverSentError,
  NoSourceError,
  NotReadyError,
  OrderInDoubtError,
  OrderRefusedError,
  StaleSourceError,
  TradingError,
  type TradingErrorCode,
  UpstreamRequestError,
} from './errors.ts'
export type { IntentState, JournalEntry, JournalEvent, ReconciliationEvidence } from './journal/journal-entry.ts'
export { memoryJournal } from './journal/memory-journal.ts'
export type { AccountJournal, KillSwitchState, OrderJournal } from './journal/order-journal.ts'
export { checkedSymbol, type RequestOptions } from './requests.ts'
export type { Observation, SeriesProvider, SeriesQuery } from './series-provider.ts'
export { type ProviderLimit, UPSTREAM_LIMITS } from './upstream-limits.ts'
export { ATTEMPT_HEADER, WireAttempt, type WireEvidence } from './wire/wire-attempt.ts'
export { withWireProof } from './wire/with-wire-proof.ts'
