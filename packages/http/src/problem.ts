/** Failures as HTTP answers: which status, and what the body says (RFC 9457, `application/problem+json`). */
import { type Clock, describeFailure, HoldfastError, isRejection, RetriesExhaustedError, TimeoutError } from 'holdfast'
import { CallerGoneError, DeadlinePassedError } from './caller/errors.ts'
import { retryAfterSeconds } from './limit/retry-after.ts'

/** The media type of a problem. */
export const PROBLEM_JSON = 'application/problem+json'

/** What went wrong, for programs and for people. */
export interface Problem {
  /** `urn:holdfast:…`, the same for the same kind of problem. */
  readonly type: string
  readonly title: string
  readonly status: number
  /** What happened this time, and what to do next. */
  readonly detail: string
  /** The error's code, if it has one. */
  readonly code?: string
  /** When to come back, in seconds. Also in the header `Retry-After`. */
  readonly retryAfter?: number
  readonly [more: string]: unknown
}

/** Makes a problem. */
export function problem(
  kind: string,
  status: number,
  title: string,
  detail: string,
  more: { readonly code?: string | undefined; readonly retryAfterMs?: number | undefined } = {},
): Problem {
  const { code, retryAfterMs } = more
  return {
    type: `urn:holdfast:${kind}`,
    title,
    status,
    detail,
    ...(code === undefined ? {} : { code }),
    ...(retryAfterMs === undefined ? {} : { retryAfter: retryAfterSeconds(retryAfterMs) }),
  }
}

/**
 * An honest answer to a failure of the toolkit's or of a guarded service:
 * 503 for an open circuit and a full bulkhead, 429 when the limit towards the service is reached (our limiter says so, or
 * the service's own 429), 504 when time ran out, the service's own 400, 403, 404, 409 and 422, and 502 for whatever else it
 * did. An error after several attempts is answered as the last of them would be.
 *
 * @param clock needed only for a `Retry-After` of the service's that is a date; without it such a date is ignored
 * @returns undefined for an error that comes from neither
 * @example
 * const told = problemOf(error, systemClock)
 * if (told?.retryAfter !== undefined) reply.header('retry-after', String(told.retryAfter))
 */
export function problemOf(error: unknown, clock?: Clock): Problem | undefined {
  if (error instanceof RetriesExhaustedError) {
    const cause = problemOf(error.cause, clock)
    if (cause === undefined) return undefined
    const retryAfter = error.retryAfterMs === undefined ? {} : { retryAfter: retryAfterSeconds(error.retryAfterMs) }
    return { ...cause, ...retryAfter, detail: error.message, code: error.code }
  }
  if (error instanceof CallerGoneError) return problem('client-gone', 499, 'The client has hung up', error.message)
  if (error instanceof DeadlinePassedError) {
    return problem('deadline-passed', 504, 'The deadline has passed', error.message, { code: error.code })
  }
  if (isRejection(error)) return refusalProblem(error.code, error.message, error.retryAfterMs)
  if (error instanceof TimeoutError)
    return problem('timeout', 504, 'The service did not answer in time', error.message, { code: error.code })
  if (error instanceof HoldfastError) return undefined
  return upstreamProblem(error, clock)
}

function refusalProblem(code: string, detail: string, retryAfterMs: number | undefined): Problem {
  if (code === 'HOLDFAST_RATE_LIMITED') {
    return problem('service-limit', 429, 'The limit towards the service is reached', detail, { code, retryAfterMs })
  }
  if (code === 'HOLDFAST_DEADLINE_TOO_SHORT') {
    return problem('deadline-too-short', 503, 'The time that is left is too short', detail, {
      code,
      retryAfterMs: retryAfterMs ?? 1_000,
    })
  }
  const more = { code, retryAfterMs: retryAfterMs ?? 60_000 }
  if (code === 'HOLDFAST_BULKHEAD_FULL') return problem('service-busy', 503, 'The service is busy', detail, more)
  return problem('circuit-open', 503, 'The service is presumed down', detail, more)
}

/** Statuses that are the client's own business. */
const PASSED_ON: ReadonlyMap<number, string> = new Map([
  [400, 'The service did not understand the request'],
  [403, 'The service does not permit it'],
  [404, 'The service has no such thing'],
  [409, 'The service is in another state'],
  [422, 'The service does not accept the request'],
])

function upstreamProblem(error: unknown, clock: Clock | undefined): Problem | undefined {
  const { kind, status, code, throttled, transient, retryAfterMs } = describeFailure(error, clock)
  const detail = error instanceof Error ? error.message.slice(0, 500) : 'the service failed'
  if (throttled) {
    return problem('service-throttles', 429, 'The service asks for fewer requests', detail, {
      code,
      retryAfterMs: retryAfterMs ?? 1_000,
    })
  }
  const title = status === undefined ? undefined : PASSED_ON.get(status)
  if (status !== undefined && title !== undefined) return problem('service-refused', status, title, detail, { code })
  if (status === undefined && !transient && kind !== 'never-sent') return undefined
  return problem('service-failed', 502, 'The service failed', detail, { code, retryAfterMs })
}
