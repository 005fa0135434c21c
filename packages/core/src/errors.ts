/** The library's own errors. Each has a `code`, says where it happened, and ends with what to do next. */
import { read } from './headers.ts'

/** Every code of the library's errors. */
export type HoldfastErrorCode =
  | 'HOLDFAST_CIRCUIT_OPEN'
  | 'HOLDFAST_RATE_LIMITED'
  | 'HOLDFAST_BULKHEAD_FULL'
  | 'HOLDFAST_THROTTLED'
  | 'HOLDFAST_DEADLINE_TOO_SHORT'
  | 'HOLDFAST_TIMEOUT'
  | 'HOLDFAST_RETRIES_EXHAUSTED'
  | 'HOLDFAST_INVALID_OPTION'

/** Where an error happened. Absent fields were not told to the library. */
export interface ErrorContext {
  /** Name of the service that was called. */
  readonly service?: string | undefined
  /** Name of the operation, as the caller gave it. */
  readonly operation?: string | undefined
  /** Number of the attempt, from 1. */
  readonly attempt?: number | undefined
}

/** What a decision was made from, by name: counts, milliseconds, shares, states. */
export type Figures = Readonly<Record<string, number | string | null>>

const NO_FIGURES: Figures = {}

/** What all errors of the library have in common. */
export abstract class HoldfastError extends Error {
  /** What happened, for programs. */
  abstract readonly code: HoldfastErrorCode
  /** Name of the service that was called, if it has one. */
  abstract readonly service: string | undefined
  /** Name of the operation, if it was given one. */
  abstract readonly operation: string | undefined
  /** Number of the attempt, from 1, if there was one. */
  abstract readonly attempt: number | undefined
}

/** V8's switch for how many frames an error captures; other engines ignore it. */
const stackControl: ErrorConstructor & { stackTraceLimit?: number | undefined } = Error

/**
 * A refusal by one of the library's own guards: the function was not called, nothing was sent, and the service is not to
 * blame. Refusals come in storms, so they carry no stack unless {@link RefusalError.captureStacks} is set.
 */
export abstract class RefusalError extends HoldfastError {
  // Each field is set here and not in HoldfastError: a constructor that has seen more than four kinds of objects sets all
  // of them the slow way, an eighth of what a refusal costs (bench: `rate-limited`).
  readonly service: string | undefined
  readonly operation: string | undefined
  readonly attempt: number | undefined

  /** Makes the message that has not been read yet. */
  readonly #write: (() => string) | undefined

  /** Set to true to have refusals capture a stack (about ten times the cost of one that does not). Default false. */
  static captureStacks = false

  /** In how many milliseconds it makes sense to come back; undefined when nobody knows (a circuit tripped by hand). */
  readonly retryAfterMs: number | undefined
  /** The figures that led to it: see `explainRejection`. */
  readonly figures: Figures

  /** @param message without the subject: what happened, and what to do next */
  constructor(
    message: string | (() => string),
    context: ErrorContext,
    retryAfterMs: number | undefined,
    cause?: unknown,
    figures: Figures = NO_FIGURES,
  ) {
    // Walking the stack is most of what an error costs.
    const limit = stackControl.stackTraceLimit
    if (!RefusalError.captureStacks) stackControl.stackTraceLimit = 0
    const text = typeof message === 'string' ? `${subject(context)}${message}` : undefined
    super(text, cause === undefined ? undefined : { cause })
    stackControl.stackTraceLimit = limit
    this.service = context.service
    this.operation = context.operation
    this.attempt = context.attempt
    this.#write = typeof message === 'string' ? undefined : message
    this.retryAfterMs = retryAfterMs
    this.figures = figures
  }

  /** What happened, and what to do next. Refusals come in storms, so theirs is made when it is read. */
  override get message(): string {
    const text = `${subject(this)}${this.#write?.() ?? ''}`
    this.message = text
    return text
  }

  override set message(text: string) {
    Object.defineProperty(this, 'message', { value: text, writable: true, configurable: true, enumerable: false })
  }
}

/** The circuit is open (or half-open with all its probes out): the service is presumed down. Nothing was sent. */
export class CircuitOpenError extends RefusalError {
  override readonly name = 'CircuitOpenError'
  readonly code = 'HOLDFAST_CIRCUIT_OPEN'
}

/** No token is left, none will come in time, or the service asked for a pause. Nothing was sent. */
export class RateLimitedError extends RefusalError {
  override readonly name = 'RateLimitedError'
  readonly code = 'HOLDFAST_RATE_LIMITED'
}

/** All slots are taken and the queue is full, or no slot came free in time. Nothing was sent. */
export class BulkheadFullError extends RefusalError {
  override readonly name = 'BulkheadFullError'
  readonly code = 'HOLDFAST_BULKHEAD_FULL'
}

/** So many calls were turned away lately that this one was not sent. */
export class ThrottledError extends RefusalError {
  override readonly name = 'ThrottledError'
  readonly code = 'HOLDFAST_THROTTLED'
}

/** The call could not have been answered before its deadline, as long as calls take now. Nothing was sent. */
export class DeadlineTooShortError extends RefusalError {
  override readonly name = 'DeadlineTooShortError'
  readonly code = 'HOLDFAST_DEADLINE_TOO_SHORT'
}

/** A call that ended badly, after it had been let through. */
abstract class FailedCallError extends HoldfastError {
  readonly service: string | undefined
  readonly operation: string | undefined
  readonly attempt: number | undefined

  constructor(message: string, context: ErrorContext, cause: unknown) {
    super(`${subject(context)}${message}`, cause === undefined ? undefined : { cause })
    this.service = context.service
    this.operation = context.operation
    this.attempt = context.attempt
  }
}

/** A time limit passed. The function may still be running: its signal has been aborted. */
export class TimeoutError extends FailedCallError {
  override readonly name = 'TimeoutError'
  readonly code = 'HOLDFAST_TIMEOUT'
  /** Which limit: that of one attempt, or that of the whole call. */
  readonly scope: 'attempt' | 'total'
  /** The limit in milliseconds. */
  readonly timeoutMs: number
  /** Whether the function had been called at least once. When false, nothing was ever sent. */
  readonly started: boolean

  constructor(
    context: ErrorContext,
    details: { scope: 'attempt' | 'total'; timeoutMs: number; started: boolean; cause?: unknown },
  ) {
    const { scope, timeoutMs, started } = details
    const what =
      scope === 'attempt' ? `no answer within the attempt's ${timeoutMs} ms` : `not done within ${timeoutMs} ms`
    const sent = started ? 'it may still take effect, so look before you repeat it' : 'it was never started'
    super(`${what}; ${sent}`, context, details.cause)
    this.scope = scope
    this.timeoutMs = timeoutMs
    this.started = started
  }
}

/** What became of one attempt. */
export interface AttemptRecord {
  /** From 1. */
  readonly attempt: number
  /** What it failed with; for a result that `isFailureResult` refused, the result. */
  readonly error: unknown
  /** How long it ran, in milliseconds; undefined where no time limit made anybody look at the clock. */
  readonly durationMs: number | undefined
  /** How long was waited after it before the next one, in milliseconds; 0 after the last. */
  readonly delayMs: number
}

/** Why no further attempt was made. */
export type RetryStopReason = 'max-retries' | 'max-elapsed' | 'deadline' | 'circuit-open' | 'retry-budget' | 'refused'

const STOPPED_BECAUSE: Record<RetryStopReason, string> = {
  'max-retries': 'no retry is left',
  'max-elapsed': 'another attempt would exceed maxElapsedMs',
  deadline: 'another attempt could not end before the deadline',
  'circuit-open': 'the circuit opened',
  'retry-budget': 'the retry budget is spent',
  refused: 'the next attempt was refused by our own guard',
}

/** All attempts failed. `cause` is the last error of the service, `attempts` has every one. */
export class RetriesExhaustedError extends FailedCallError {
  override readonly name = 'RetriesExhaustedError'
  readonly code = 'HOLDFAST_RETRIES_EXHAUSTED'
  /** Every attempt in order. */
  readonly attempts: readonly AttemptRecord[]
  /** Why it was given up. */
  readonly reason: RetryStopReason
  /** In how many milliseconds it makes sense to come back, where the service or a guard said so. */
  readonly retryAfterMs: number | undefined

  constructor(
    context: ErrorContext,
    details: {
      attempts: readonly AttemptRecord[]
      reason: RetryStopReason
      cause: unknown
      retryAfterMs?: number | undefined
    },
  ) {
    const { attempts, reason, cause, retryAfterMs } = details
    const times = attempts.length === 1 ? 'once' : `${attempts.length} times`
    const next = retryAfterMs === undefined ? 'see cause and attempts' : `come back in ${Math.ceil(retryAfterMs)} ms`
    super(`failed ${times} and ${STOPPED_BECAUSE[reason]} (last: ${brief(cause)}); ${next}`, context, cause)
    this.attempts = attempts
    this.reason = reason
    this.retryAfterMs = retryAfterMs
  }
}

/** An option that makes no sense. Thrown at construction, never at run time. */
export class InvalidOptionError extends HoldfastError {
  override readonly name = 'InvalidOptionError'
  readonly code = 'HOLDFAST_INVALID_OPTION'
  readonly service = undefined
  readonly operation = undefined
  readonly attempt = undefined
  /** Path of the field, for example `services.alpaca.retry.maxRetries`. */
  readonly field: string
  /** What was given. */
  readonly value: unknown
  /** What is allowed. */
  readonly rule: string

  constructor(field: string, value: unknown, rule: string) {
    super(`${field} is ${show(value)}: ${rule}`)
    this.field = field
    this.value = value
    this.rule = rule
  }
}

const REFUSAL_CODES: ReadonlySet<unknown> = new Set<HoldfastErrorCode>([
  'HOLDFAST_CIRCUIT_OPEN',
  'HOLDFAST_RATE_LIMITED',
  'HOLDFAST_BULKHEAD_FULL',
  'HOLDFAST_THROTTLED',
  'HOLDFAST_DEADLINE_TOO_SHORT',
])

/**
 * Whether an error is a refusal by one of the library's own guards, so that nothing was sent. Looks at the code, and so
 * also knows the errors of another copy of the library.
 *
 * @example
 * if (isRejection(error)) reply.header('retry-after', Math.ceil((error.retryAfterMs ?? 1_000) / 1_000))
 */
export function isRejection(error: unknown): error is RefusalError {
  if (typeof error !== 'object' || error === null || !('code' in error)) return false
  return REFUSAL_CODES.has(error.code)
}

function subject({ service, operation, attempt }: ErrorContext): string {
  const name = [service, operation].filter((part) => part !== undefined).join('.')
  if (name === '') return ''
  return attempt === undefined || attempt <= 1 ? `${name}: ` : `${name} (attempt ${attempt}): `
}

/** An error in a few words: our own without their advice, nobody's whole HTML page, and with the code that is behind it. */
export function brief(error: unknown): string {
  if (!(error instanceof Error)) return show(error)
  const words = wordsOf(error)
  const code = deepestCode(error)
  return code === undefined || words.includes(code) ? words : `${words} (${code})`
}

/** `fetch` says that it failed, and only a cause of its error says of what. */
function deepestCode(error: Error): string | undefined {
  let deepest: string | undefined
  let link: unknown = error
  for (let depth = 0; depth < 4 && link instanceof Error; depth++) {
    const code = read(link, 'code')
    if (typeof code === 'string' && code !== '' && !code.startsWith('HOLDFAST_')) deepest = code
    link = link.cause
  }
  return deepest
}

function wordsOf(error: Error): string {
  const message = error instanceof HoldfastError ? (error.message.split(';')[0] ?? '') : error.message
  if (message === '') return error.name
  return message.length > 120 ? `${message.slice(0, 117)}...` : message
}

function show(value: unknown): string {
  if (typeof value === 'string') return value.length > 60 ? `"${value.slice(0, 57)}..."` : `"${value}"`
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object' && value !== null) return 'an object'
  return String(value)
}
