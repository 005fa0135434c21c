import { problemOf, retryAfterSeconds } from '@holdfast/http'
import { VirtualClock } from '@holdfast/testing'
import {
  BulkheadFullError,
  CircuitOpenError,
  DeadlineTooShortError,
  InvalidOptionError,
  RateLimitedError,
  RetriesExhaustedError,
  TimeoutError,
} from 'holdfast'
import { describe, expect, it } from 'vitest'

const context = { service: 'alpaca', operation: 'getAccount' }

/** An error as HTTP clients throw them: a status, and the headers of the answer. */
function statusError(status: number, headers: Record<string, string> = {}): Error {
  return Object.assign(new Error(`status ${status}`), { status, response: { headers: new Headers(headers) } })
}

function exhausted(cause: unknown, retryAfterMs?: number): RetriesExhaustedError {
  const attempts = [1, 2].map((attempt) => ({ attempt, error: cause, durationMs: 1, delayMs: 0 }))
  return new RetriesExhaustedError(context, { attempts, reason: 'max-retries', cause, retryAfterMs })
}

const timedOut = new TimeoutError(context, { scope: 'attempt', timeoutMs: 5_000, started: true })

describe('a refusal of our own guards', () => {
  it.each([
    [new CircuitOpenError('circuit is open', context, 11_200), 503, 12, 'circuit-open'],
    [new CircuitOpenError('tripped by hand', context, undefined), 503, 60, 'circuit-open'],
    [new BulkheadFullError('queue is full', context, 200), 503, 1, 'service-busy'],
    [new DeadlineTooShortError('too late', context, 200), 503, 1, 'deadline-too-short'],
    [new RateLimitedError('no token', context, 2_001), 429, 3, 'service-limit'],
  ])('%s is answered with %i and Retry-After', (error, status, retryAfter, kind) => {
    expect(problemOf(error)).toEqual({
      type: `urn:holdfast:${kind}`,
      title: expect.any(String),
      status,
      detail: error.message,
      code: error.code,
      retryAfter,
    })
  })
})

describe('a failure of the service', () => {
  it.each([
    ['no answer in time', timedOut, 504],
    ['500', statusError(500), 502],
    ['503', statusError(503), 502],
    ['401: it is us whom it does not know', statusError(401), 502],
    ['a reset', Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }), 502],
    [
      'a refused connection',
      new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: 'ECONNREFUSED' }) }),
      502,
    ],
  ])('%s', (_what, error, status) => {
    expect(problemOf(error)?.status).toBe(status)
    expect(problemOf(exhausted(error))?.status).toBe(status)
  })

  it.each([400, 403, 404, 409, 422])('is none if it is a %i, which is passed on as it is', (status) => {
    expect(problemOf(statusError(status))).toMatchObject({ status, detail: `status ${status}` })
  })

  it('which throttles us is a 429 that says when to come back', () => {
    expect(problemOf(statusError(429, { 'retry-after': '7' }))).toMatchObject({ status: 429, retryAfter: 7 })
    expect(problemOf(statusError(418))).toMatchObject({ status: 429, retryAfter: 1 })
  })

  it('may say when to come back with a date', () => {
    const clock = new VirtualClock({ wallTime: Date.UTC(2026, 0, 5, 14, 30) })
    const error = statusError(429, { 'retry-after': 'Mon, 05 Jan 2026 14:30:20 GMT' })
    expect(problemOf(error, clock)).toMatchObject({ status: 429, retryAfter: 20 })
  })

  it('does not fill the answer with its whole page', () => {
    const error = Object.assign(new Error('x'.repeat(100_000)), { status: 500 })
    expect(problemOf(error)?.detail.length).toBeLessThanOrEqual(500)
  })
})

describe('several attempts', () => {
  it('are answered as the last one, with the whole story', () => {
    const told = problemOf(exhausted(timedOut, 4_000))
    expect(told).toMatchObject({ status: 504, code: 'HOLDFAST_RETRIES_EXHAUSTED', retryAfter: 4 })
    expect(told?.detail).toMatch(/failed 2 times and no retry is left/)
  })
})

describe('an error of somebody else', () => {
  it.each([
    new Error('a bug'),
    new InvalidOptionError('cost', 0, 'it must be above 0'),
    undefined,
    null,
    'text',
    {},
    404,
  ])('%s is not for us to answer', (error) => {
    expect(problemOf(error)).toBeUndefined()
    expect(problemOf(exhausted(error))).toBeUndefined()
  })
})

describe('Retry-After', () => {
  it.each([
    [0, 1],
    [1, 1],
    [1_000, 1],
    [1_001, 2],
    [59_999.5, 60],
  ])('of %d ms is %i s', (ms, seconds) => {
    expect(retryAfterSeconds(ms)).toBe(seconds)
  })
})
