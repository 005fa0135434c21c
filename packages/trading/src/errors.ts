/** Errors of brokers and data providers that are neither the SDKs' own nor the toolkit's. */
import { describeFailure, type FailureFacts } from 'holdfast'
import type { JournalEntry } from './journal/journal-entry.ts'

/** Codes of these errors. */
export type TradingErrorCode =
  | 'HOLDFAST_NEVER_SENT'
  | 'HOLDFAST_TRADING_ORDER_IN_DOUBT'
  | 'HOLDFAST_TRADING_ORDER_REFUSED'
  | 'HOLDFAST_TRADING_DUPLICATE_ORDER_ID'
  | 'HOLDFAST_TRADING_KILL_SWITCH'
  | 'HOLDFAST_TRADING_NOT_READY'
  | 'HOLDFAST_TRADING_JOURNAL'
  | 'HOLDFAST_TRADING_ACCOUNT_TAKEN'
  | 'HOLDFAST_TRADING_ACCOUNT_LOST'
  | 'HOLDFAST_TRADING_MALFORMED_ANSWER'
  | 'HOLDFAST_TRADING_INVALID_REQUEST'
  | 'HOLDFAST_TRADING_REQUEST_FAILED'
  | 'HOLDFAST_TRADING_NO_SOURCE'
  | 'HOLDFAST_TRADING_STALE_SOURCE'

/** What they have in common. */
export abstract class TradingError extends Error {
  /** What happened, for programs. */
  abstract readonly code: TradingErrorCode | string
}

/**
 * It is proven that no byte of the request left this process, so that it may be repeated freely: the wire showed it, or
 * the adapter knows. Whatever `cause` looks like.
 */
export class NeverSentError extends TradingError {
  override readonly name = 'NeverSentError'
  readonly code = 'HOLDFAST_NEVER_SENT'

  constructor(cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause)
    super(`the request never left (${why}); it is safe to repeat`, { cause })
  }
}

/**
 * Nobody knows whether the broker has the order: the request may have arrived although no answer did. It is not sent again
 * until that is known, and must not be sent under another id. Reconciliation goes on by itself; {@link Broker.reconcile}
 * waits for it.
 */
export class OrderInDoubtError extends TradingError {
  override readonly name = 'OrderInDoubtError'
  readonly code = 'HOLDFAST_TRADING_ORDER_IN_DOUBT'
  /** The id under which the broker knows the order, if it has it. */
  readonly clientOrderId: string
  /** What the journal knows. */
  readonly entry: JournalEntry

  constructor(entry: JournalEntry, cause: unknown) {
    const { clientOrderId, account } = entry
    const advice = `reconcile client order id ${clientOrderId} before anything else; never send the order again under another id`
    super(`it is not known whether ${account} has the order; ${advice}`, { cause })
    this.clientOrderId = clientOrderId
    this.entry = entry
  }
}

/** The broker read the order and does not want it, or turned it away unread. It does not have it. */
export class OrderRefusedError extends TradingError {
  override readonly name = 'OrderRefusedError'
  readonly code = 'HOLDFAST_TRADING_ORDER_REFUSED'
  /** In the broker's words. */
  readonly reason: string
  /** The broker's own code, if it has one. */
  readonly brokerCode: string | undefined

  constructor(reason: string, options: { readonly brokerCode?: string | undefined; readonly cause?: unknown } = {}) {
    super(`the broker refused the order: ${reason}`, options.cause === undefined ? undefined : { cause: options.cause })
    this.reason = reason
    this.brokerCode = options.brokerCode
  }
}

/** The broker has an order with this client order id already: the proof that an earlier attempt arrived. */
export class DuplicateOrderIdError extends TradingError {
  override readonly name = 'DuplicateOrderIdError'
  readonly code = 'HOLDFAST_TRADING_DUPLICATE_ORDER_ID'
  readonly clientOrderId: string

  constructor(clientOrderId: string, cause: unknown) {
    super(`the broker has an order with client order id ${clientOrderId} already; look it up`, { cause })
    this.clientOrderId = clientOrderId
  }
}

/** The kill switch is on: no new order leaves. Cancels do. */
export class KillSwitchError extends TradingError {
  override readonly name = 'KillSwitchError'
  readonly code = 'HOLDFAST_TRADING_KILL_SWITCH'

  constructor(account: string, { by, reason }: { readonly by: string | null; readonly reason: string | null }) {
    super(
      `${account}: the kill switch is on (${by ?? 'somebody'}: ${reason ?? 'no reason given'}); no new order is sent until it is released`,
    )
  }
}

/** New orders are not taken yet, or no more: earlier ones are being looked up, or the broker is closed. */
export class NotReadyError extends TradingError {
  override readonly name = 'NotReadyError'
  readonly code = 'HOLDFAST_TRADING_NOT_READY'
}

/** The journal cannot be read or written, or what shall be written contradicts it. Nothing is sent without it. */
export class JournalError extends TradingError {
  override readonly name = 'JournalError'
  readonly code = 'HOLDFAST_TRADING_JOURNAL'
}

/** Another process owns the account. */
export class AccountTakenError extends TradingError {
  override readonly name = 'AccountTakenError'
  readonly code = 'HOLDFAST_TRADING_ACCOUNT_TAKEN'

  constructor(account: string, owner: string) {
    super(`account ${account} belongs to ${owner}; stop that one first, or trade another account`)
  }
}

/** Another process has taken the account, because this one gave no sign of life for too long. It sends no more orders. */
export class AccountLostError extends TradingError {
  override readonly name = 'AccountLostError'
  readonly code = 'HOLDFAST_TRADING_ACCOUNT_LOST'

  constructor(account: string) {
    super(`account ${account} was taken over by another process; this one sends no more orders: stop it`)
  }
}

/** The service answered 200 with something that is no answer: a string, a page of HTML, a missing field. */
export class MalformedAnswerError extends TradingError {
  override readonly name = 'MalformedAnswerError'
  readonly code = 'HOLDFAST_TRADING_MALFORMED_ANSWER'
  readonly service: string
  readonly operation: string

  constructor(service: string, operation: string, problem: string, cause?: unknown) {
    const message = `${service}.${operation}: the answer makes no sense: ${problem}; see whether the service or a proxy before it is in trouble`
    super(message, cause === undefined ? undefined : { cause })
    this.service = service
    this.operation = operation
  }
}

/** A request that cannot be meant. Nothing was sent. */
export class InvalidRequestError extends TradingError {
  override readonly name = 'InvalidRequestError'
  readonly code = 'HOLDFAST_TRADING_INVALID_REQUEST'
  /** Which field. */
  readonly field: string
  /** What is allowed. */
  readonly rule: string

  constructor(field: string, value: unknown, rule: string) {
    const shown =
      typeof value === 'string' ? `"${value.length > 40 ? `${value.slice(0, 37)}...` : value}"` : String(value)
    super(`${field} is ${shown}: ${rule}`)
    this.field = field
    this.rule = rule
  }
}

/** A request to a broker or a data provider failed. `cause` is the SDK's own error. */
export class UpstreamRequestError extends TradingError {
  override readonly name = 'UpstreamRequestError'
  /** The network's or the SDK's code: `ECONNRESET`, `ERR_BAD_RESPONSE`. */
  readonly code: string
  /** The HTTP status, if there was an answer. */
  readonly status: number | undefined
  /** How long the service asked to be left alone, in milliseconds. */
  readonly retryAfterMs: number | undefined

  constructor(message: string, facts: Pick<FailureFacts, 'code' | 'status' | 'retryAfterMs'>, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = facts.code ?? 'HOLDFAST_TRADING_REQUEST_FAILED'
    this.status = facts.status
    this.retryAfterMs = facts.retryAfterMs
  }
}

/** No source of market data answered, and nothing young enough is kept. */
export class NoSourceError extends TradingError {
  override readonly name = 'NoSourceError'
  readonly code = 'HOLDFAST_TRADING_NO_SOURCE'
  /** What each source answered with, in the order in which they were asked. */
  readonly failed: readonly { readonly source: string; readonly error: unknown }[]
  /** When the first of them may answer again, in milliseconds, if one of them said so. */
  readonly retryAfterMs: number | undefined

  constructor(what: string, failed: readonly { readonly source: string; readonly error: unknown }[]) {
    const each = failed.map(
      ({ source, error }) => `${source}: ${error instanceof Error ? error.message : String(error)}`,
    )
    const advice =
      failed.length === 0 ? 'configure one' : 'see what each of them said, and allow an older answer (maxAgeMs)'
    super(`no source of ${what} answers (${each.join('; ') || 'there is none'}); ${advice}`, {
      cause: failed.at(-1)?.error,
    })
    this.failed = failed
    const waits = failed.flatMap(({ error }) => describeFailure(error).retryAfterMs ?? [])
    this.retryAfterMs = waits.length === 0 ? undefined : Math.min(...waits)
  }
}

/** A source answered with something older than its caller accepts. */
export class StaleSourceError extends TradingError {
  override readonly name = 'StaleSourceError'
  readonly code = 'HOLDFAST_TRADING_STALE_SOURCE'
  readonly ageMs: number

  constructor(source: string, ageMs: number) {
    super(`${source} answered with data that are ${Math.round(ageMs)} ms old; allow a larger maxAgeMs, or add a source`)
    this.ageMs = ageMs
  }
}
