/** Errors of brokers and data providers that are neither the SDKs' own nor the toolkit's. */
import { describeFailure, type FailureFacts } from 'holdfast'

/** Codes of these errors. */
export type TradingErrorCode =
  | 'HOLDFAST_TRADING_ORDER_IN_DOUBT'
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
 * Nobody knows whether the broker has the order: the request may have arrived although no answer did. It has not been sent
 * again, and must not be sent under another id.
 *
 * @example
 * if (error instanceof OrderInDoubtError) order = await broker.getOrderByClientOrderId(error.clientOrderId)
 */
export class OrderInDoubtError extends TradingError {
  override readonly name = 'OrderInDoubtError'
  readonly code = 'HOLDFAST_TRADING_ORDER_IN_DOUBT'
  /** The id under which the broker knows the order, if it has it. */
  readonly clientOrderId: string

  constructor(clientOrderId: string, cause: unknown) {
    const advice = `look up client order id ${clientOrderId} before anything else; never send the order again under another id`
    super(`it is not known whether the broker has the order; ${advice}`, { cause })
    this.clientOrderId = clientOrderId
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

/**
 * A request to a service whose SDK puts the key into the URL, and so into its errors: this one has what they tell, without
 * the key.
 */
export class UpstreamRequestError extends TradingError {
  override readonly name = 'UpstreamRequestError'
  /** The network's or the SDK's code: `ECONNRESET`, `ERR_BAD_RESPONSE`. */
  readonly code: string
  /** The HTTP status, if there was an answer. */
  readonly status: number | undefined
  /** How long the service asked to be left alone, in milliseconds. */
  readonly retryAfterMs: number | undefined

  constructor(message: string, { code, status, retryAfterMs }: Pick<FailureFacts, 'code' | 'status' | 'retryAfterMs'>) {
    super(message)
    this.code = code ?? 'HOLDFAST_TRADING_REQUEST_FAILED'
    this.status = status
    this.retryAfterMs = retryAfterMs
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
