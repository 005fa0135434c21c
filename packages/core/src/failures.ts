/**
 * What a failure proves. One table, used by the retry decision, the circuit breaker, and everybody who must know whether a
 * request may have taken effect. The same facts in prose: docs/failures.md.
 */
import type { Clock } from './clock.ts'
import { brief, HoldfastError, isRejection, RetriesExhaustedError, TimeoutError } from './errors.ts'
import { headerOf, headersOf, parseRetryAfter, read } from './headers.ts'

/**
 * What is known about the request behind an error:
 * - `never-sent`: it did not leave (connection refused, no such host, bad certificate): safe to repeat;
 * - `refused`: the service read it and did not do it (4xx, 429, 503 with `Retry-After`);
 * - `may-have-happened`: everything else. Only what is idempotent may be repeated blindly;
 * - `cancelled`: the caller gave up;
 * - `ours`: one of the library's own guards refused: nothing was sent.
 */
export type FailureKind = 'never-sent' | 'refused' | 'may-have-happened' | 'cancelled' | 'ours'

/**
 * What an outcome says about the service's health:
 * - `success`: it answered as it should, be it "no" (a 404 is a timely answer);
 * - `failure`: it did not;
 * - `neutral`: nothing (cancelled by the caller, throttled, our own stall);
 * - `not-run`: the call was never made.
 */
export type Verdict = 'success' | 'failure' | 'neutral' | 'not-run'

/** All that can be read off an error. */
export interface FailureFacts {
  /** What it proves about the request. */
  readonly kind: FailureKind
  /** What it says about the service's health. */
  readonly verdict: Verdict
  /** Whether the same request may well succeed a little later. */
  readonly transient: boolean
  /** Whether the service said that it was called too often (429, and 418 with which some exchanges ban an address). */
  readonly throttled: boolean
  /** The most telling error code, for example `ECONNRESET`, also from a cause. */
  readonly code: string | undefined
  /** The HTTP status, from 100 to 599, if there is one. */
  readonly status: number | undefined
  /** For how long the service asked not to be called, in milliseconds. */
  readonly retryAfterMs: number | undefined
}

/** Statuses that are worth another attempt: timeouts, throttling, and a server that may recover. */
const TRANSIENT_STATUSES: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504])

/** Statuses that only say "too fast"; 418 is how some exchanges ban an address. */
const THROTTLING_STATUSES: ReadonlySet<number> = new Set([418, 429])

/** The connection was never made. */
const NEVER_CONNECTED_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'UND_ERR_CONNECT_TIMEOUT',
  // Whoever throws it has proof of his own: `NeverSentError` of @holdfast/trading, whose cause may look like anything.
  'HOLDFAST_NEVER_SENT',
])

/** The peer's certificate was not accepted, or the handshake failed: no request follows, and none would a second later. */
const HANDSHAKE_CODES: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_UNSUPPORTED_PROTOCOL',
  'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE',
  'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
])

/** The connection was made and broke, or went silent. */
const BROKEN_CONNECTION_CODES: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ESOCKETTIMEDOUT',
  'ERR_NETWORK',
  'ERR_STREAM_PREMATURE_CLOSE',
  'UND_ERR_SOCKET',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
])

const CANCELLED_CODES: ReadonlySet<string> = new Set(['ERR_CANCELED', 'ABORT_ERR', 'UND_ERR_ABORTED'])

/** What engines without error codes say when the network fails under `fetch`. */
const FETCH_FAILED =
  /^(fetch failed|failed to fetch|networkerror when attempting|load failed|network request failed|terminated)/i

const TLS_NEVER_FINISHED = /before secure TLS connection was established/

/** How far a chain of causes is followed; the deepest seen in an SDK is three. */
const LONGEST_CHAIN = 8

/**
 * Reads an error of any origin: the library's own, `fetch` and undici (the code is in a `cause`), Node's sockets and DNS,
 * axios, SDKs that carry a status, `AbortError`, and things that are no errors at all.
 *
 * @param clock needed only for a `Retry-After` that is a date; without it such a date is ignored
 * @example
 * if (describeFailure(error).kind === 'may-have-happened') await reconcile(order)
 */
export function describeFailure(error: unknown, clock?: Clock): FailureFacts {
  if (error instanceof RetriesExhaustedError) return describeSeveral(error, clock)
  if (isRejection(error)) return ourOwn(error.code, error.retryAfterMs)
  if (error instanceof TimeoutError) {
    const kind = error.started ? 'may-have-happened' : 'never-sent'
    const verdict = error.started ? 'failure' : 'neutral'
    return {
      kind,
      verdict,
      transient: true,
      throttled: false,
      code: error.code,
      status: undefined,
      retryAfterMs: undefined,
    }
  }
  if (error instanceof HoldfastError) return ourOwn(error.code, undefined)
  return describeForeign(error, clock)
}

/** What the library said by itself: nothing was sent, and nobody is to blame. */
function ourOwn(code: string, retryAfterMs: number | undefined): FailureFacts {
  return {
    kind: 'ours',
    verdict: 'neutral',
    transient: false,
    throttled: false,
    code,
    status: undefined,
    retryAfterMs,
  }
}

/** Several attempts prove only what the least certain of them proves. */
function describeSeveral(error: RetriesExhaustedError, clock: Clock | undefined): FailureFacts {
  const last = describeFailure(error.cause, clock)
  const uncertain = error.attempts.some((attempt) => describeFailure(attempt.error, clock).kind === 'may-have-happened')
  return {
    ...last,
    kind: uncertain ? 'may-have-happened' : last.kind,
    retryAfterMs: error.retryAfterMs ?? last.retryAfterMs,
  }
}

function describeForeign(error: unknown, clock: Clock | undefined): FailureFacts {
  const chain = causesOf(error)
  const status = firstOf(chain, statusOf)
  const saidMs = firstOf(chain, (link) => retryAfterHeaderOf(link, clock))
  const retryAfterMs = saidMs ?? retryAfterFieldOf(chain, status)
  if (status !== undefined && status >= 300) {
    // Only the service's own words prove that it turned the request away, not what an SDK has worked out.
    const turnedAway = status === 503 && saidMs !== undefined
    return describeStatus(status, { code: firstOf(chain, codeOf), retryAfterMs, turnedAway })
  }
  const cancelled = chain.find(isCancellation)
  const code = firstOf(chain, networkCodeOf) ?? firstOf(chain, codeOf)
  if (cancelled !== undefined) {
    return { kind: 'cancelled', verdict: 'neutral', transient: false, throttled: false, code, status, retryAfterMs }
  }
  const neverSent = status === undefined && wasNeverSent(error, 0)
  return {
    kind: neverSent ? 'never-sent' : 'may-have-happened',
    verdict: 'failure',
    transient: status === undefined ? chain.some(isTransientLink) : status >= 200,
    throttled: false,
    code,
    status,
    retryAfterMs,
  }
}

function describeStatus(
  status: number,
  facts: { code: string | undefined; retryAfterMs: number | undefined; turnedAway: boolean },
): FailureFacts {
  const { code, retryAfterMs, turnedAway } = facts
  const clientFault = status >= 400 && status < 500 && status !== 408
  return {
    kind: clientFault || turnedAway ? 'refused' : 'may-have-happened',
    verdict: THROTTLING_STATUSES.has(status) ? 'neutral' : clientFault && status !== 425 ? 'success' : 'failure',
    transient: TRANSIENT_STATUSES.has(status),
    throttled: THROTTLING_STATUSES.has(status),
    code,
    status,
    retryAfterMs,
  }
}

/** Whether nothing can have left. Of an `AggregateError` (one per address tried) every part must show it. */
function wasNeverSent(error: unknown, depth: number): boolean {
  if (depth > LONGEST_CHAIN) return false
  const parts = read(error, 'errors')
  if (Array.isArray(parts) && parts.length > 0) return parts.every((part) => wasNeverSent(part, depth + 1))
  const code = codeOf(error)
  const syscall = read(error, 'syscall')
  if (syscall === 'connect' || syscall === 'getaddrinfo') return true
  const onOpenConnection = syscall === 'read' || syscall === 'write'
  if (code !== undefined && !onOpenConnection && (NEVER_CONNECTED_CODES.has(code) || isHandshakeCode(code))) return true
  const message = read(error, 'message')
  if (typeof message === 'string' && TLS_NEVER_FINISHED.test(message)) return true
  const cause = read(error, 'cause')
  return cause !== undefined && cause !== null && wasNeverSent(cause, depth + 1)
}

function isHandshakeCode(code: string): boolean {
  return HANDSHAKE_CODES.has(code) || code.startsWith('CERT_') || code.startsWith('ERR_TLS_CERT_')
}

function isTransientLink(link: unknown): boolean {
  const code = codeOf(link)
  if (code !== undefined) {
    if (NEVER_CONNECTED_CODES.has(code) || BROKEN_CONNECTION_CODES.has(code) || code.startsWith('HPE_')) return true
    if (isHandshakeCode(code)) return false
  }
  const name = read(link, 'name')
  // undici's parser does not always give a code.
  if (name === 'TimeoutError' || name === 'HTTPParserError') return true
  const message = read(link, 'message')
  return (
    name === 'TypeError' &&
    typeof message === 'string' &&
    FETCH_FAILED.test(message) &&
    read(link, 'cause') === undefined
  )
}

function isCancellation(link: unknown): boolean {
  const code = codeOf(link)
  return read(link, 'name') === 'AbortError' || (code !== undefined && CANCELLED_CODES.has(code))
}

/** The error and its causes, the parts of an `AggregateError` included; each once. */
function causesOf(error: unknown): readonly unknown[] {
  const chain: unknown[] = []
  const queue: unknown[] = [error]
  while (queue.length > 0 && chain.length < LONGEST_CHAIN) {
    const link = queue.shift()
    if (link === undefined || link === null || chain.includes(link)) continue
    chain.push(link)
    queue.push(read(link, 'cause'))
    const parts = read(link, 'errors')
    if (Array.isArray(parts)) queue.push(...parts.slice(0, LONGEST_CHAIN))
  }
  return chain
}

function firstOf<T>(chain: readonly unknown[], look: (link: unknown) => T | undefined): T | undefined {
  for (const link of chain) {
    const found = look(link)
    if (found !== undefined) return found
  }
  return undefined
}

/** The codes and the status of an error and its causes, as a whitelist may name them. */
export function codesOf(error: unknown): ReadonlySet<string | number> {
  const codes = new Set<string | number>()
  for (const link of causesOf(error)) {
    const code = codeOf(link)
    const status = statusOf(link)
    if (code !== undefined) codes.add(code)
    if (status !== undefined) codes.add(status)
  }
  return codes
}

function codeOf(link: unknown): string | undefined {
  const code = read(link, 'code')
  return typeof code === 'string' && code !== '' ? code : undefined
}

/** A code of the network's beats a wrapper's: of `ERR_NETWORK` and `ECONNRESET` the second tells more. */
function networkCodeOf(link: unknown): string | undefined {
  const code = codeOf(link)
  if (code === undefined || code === 'ERR_NETWORK') return undefined
  const known = NEVER_CONNECTED_CODES.has(code) || BROKEN_CONNECTION_CODES.has(code) || isHandshakeCode(code)
  return known ? code : undefined
}

function statusOf(link: unknown): number | undefined {
  const own = read(link, 'status') ?? read(link, 'statusCode') ?? read(read(link, 'response'), 'status')
  if (isStatus(own)) return own
  // yahoo-finance2 and others put the status into a numeric `code`.
  const code = read(link, 'code')
  return read(link, 'name') === 'HTTPError' && isStatus(code) ? code : undefined
}

function isStatus(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 100 && value <= 599
}

function retryAfterHeaderOf(link: unknown, clock: Clock | undefined): number | undefined {
  const headers = headersOf(link)
  const value = headerOf(headers, 'retry-after')
  return value === undefined ? undefined : parseRetryAfter(value, clock, headerOf(headers, 'date'))
}

/**
 * An SDK's own `retryAfterMs`. Some (Alpaca's) put the end of the minute's window there when the service named no time,
 * whatever failed: so with headers at hand that name none, it is believed only where a limit was the trouble.
 */
function retryAfterFieldOf(chain: readonly unknown[], status: number | undefined): number | undefined {
  const throttled = status !== undefined && THROTTLING_STATUSES.has(status)
  return firstOf(chain, (link) => {
    const field = read(link, 'retryAfterMs')
    const believed = throttled || headersOf(link) === undefined
    return believed && typeof field === 'number' && field >= 0 && Number.isFinite(field) ? field : undefined
  })
}

/** A failure in a few words, with the code that tells most where the words leave it out: SDKs hide it in a cause. */
export function briefFailure(error: unknown): string {
  const words = brief(error)
  const { code } = describeFailure(error)
  return code === undefined || words.includes(code) || code.startsWith('HOLDFAST_') ? words : `${words} (${code})`
}
