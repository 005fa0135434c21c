import { VirtualClock } from '@holdfast/testing'
import {
  BulkheadFullError,
  briefFailure,
  CircuitOpenError,
  describeFailure,
  type FailureFacts,
  InvalidOptionError,
  parseRetryAfter,
  RateLimitedError,
  RetriesExhaustedError,
  TimeoutError,
} from 'holdfast'
import { describe, expect, it } from 'vitest'
import { networkError, statusError } from '../support.ts'

const facts = (error: unknown): Partial<FailureFacts> => {
  const { kind, verdict, transient } = describeFailure(error)
  return { kind, verdict, transient }
}

const wrapped = (error: Error): Error => new TypeError('fetch failed', { cause: new Error('inner', { cause: error }) })
const connect = (code: string): Error => Object.assign(networkError(code), { syscall: 'connect' })
const exhausted = (...errors: Error[]): RetriesExhaustedError =>
  new RetriesExhaustedError(
    {},
    {
      attempts: errors.map((error, index) => ({ attempt: index + 1, error, durationMs: 1, delayMs: 0 })),
      reason: 'max-retries',
      cause: errors.at(-1),
    },
  )

describe('what a failure proves', () => {
  it.each([
    ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'].map(
      (code): [string, Error] => [code, networkError(code)],
    ),
    ['a refused connection under fetch', wrapped(networkError('ECONNREFUSED'))],
    ['a connect that timed out', connect('ETIMEDOUT')],
    ['every address refused', new AggregateError([connect('ECONNREFUSED'), connect('ECONNREFUSED')], 'all failed')],
  ])('%s: it was never sent, and may be repeated', (_name, error) => {
    expect(facts(error)).toEqual({ kind: 'never-sent', verdict: 'failure', transient: true })
  })

  it.each(['CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'ERR_TLS_CERT_ALTNAME_INVALID'])(
    '%s: never sent, and no better a second later',
    (code) => {
      expect(facts(wrapped(networkError(code)))).toEqual({ kind: 'never-sent', verdict: 'failure', transient: false })
    },
  )

  it.each([
    ...[
      'ECONNRESET',
      'EPIPE',
      'ETIMEDOUT',
      'UND_ERR_SOCKET',
      'UND_ERR_HEADERS_TIMEOUT',
      'UND_ERR_BODY_TIMEOUT',
      'ERR_NETWORK',
      'HPE_INVALID_CONSTANT',
    ].map((code): [string, Error] => [code, networkError(code)]),
    ['a reset under fetch', wrapped(networkError('ECONNRESET'))],
    ['fetch in a browser', new TypeError('Failed to fetch')],
    [
      'a refused address beside a reset one',
      new AggregateError([connect('ECONNREFUSED'), networkError('ECONNRESET')], 'all failed'),
    ],
    ['a reset while reading', Object.assign(networkError('ECONNREFUSED'), { syscall: 'read' })],
    ['a timeout of AbortSignal.timeout', new DOMException('too late', 'TimeoutError')],
  ])('%s: it may have happened', (_name, error) => {
    expect(facts(error)).toEqual({ kind: 'may-have-happened', verdict: 'failure', transient: true })
  })

  it.each([
    [400, 'refused', 'success', false],
    [401, 'refused', 'success', false],
    [403, 'refused', 'success', false],
    [404, 'refused', 'success', false],
    [409, 'refused', 'success', false],
    [418, 'refused', 'neutral', false],
    [422, 'refused', 'success', false],
    [425, 'refused', 'failure', true],
    [429, 'refused', 'neutral', true],
    [408, 'may-have-happened', 'failure', true],
    [500, 'may-have-happened', 'failure', true],
    [501, 'may-have-happened', 'failure', false],
    [502, 'may-have-happened', 'failure', true],
    [503, 'may-have-happened', 'failure', true],
    [504, 'may-have-happened', 'failure', true],
  ] as const)('status %d: %s, for the circuit a %s', (status, kind, verdict, transient) => {
    expect(facts(statusError(status))).toEqual({ kind, verdict, transient })
    expect(describeFailure(Object.assign(new Error('axios'), { response: { status } })).status).toBe(status)
    expect(describeFailure({ statusCode: status }).status).toBe(status)
  })

  it('a 503 that says when to come back was refused at the door', () => {
    const turnedAway = { status: 503, headers: { 'retry-after': '1' } }
    expect(facts(turnedAway)).toEqual({ kind: 'refused', verdict: 'failure', transient: true })
    expect(describeFailure(turnedAway).retryAfterMs).toBe(1_000)
  })

  it('a 503 of which only the SDK says when to come back may have happened', () => {
    expect(facts(statusError(503, 1_000)).kind).toBe('may-have-happened')
    expect(describeFailure(statusError(503, 1_000)).retryAfterMs).toBe(1_000)
  })

  it('what an SDK made of other headers is believed only of a limit', () => {
    // Alpaca's SDK puts the end of the minute's window into each error.
    const response = { headers: new Headers({ 'x-ratelimit-reset': '1767623460' }) }
    const of = (status: number) => describeFailure({ status, response, retryAfterMs: 42_000 })
    expect(of(503)).toMatchObject({ kind: 'may-have-happened', retryAfterMs: undefined })
    expect(of(429)).toMatchObject({ kind: 'refused', retryAfterMs: 42_000 })
  })

  it('an answer that broke off may have happened', () => {
    const broken = Object.assign(networkError('ERR_BAD_RESPONSE'), { status: 200 })
    expect(facts(broken)).toEqual({ kind: 'may-have-happened', verdict: 'failure', transient: true })
  })

  it.each([
    ['an AbortError', new DOMException('given up', 'AbortError')],
    ['axios’ cancellation', networkError('ERR_CANCELED')],
    ['one within', new Error('FetchError', { cause: new DOMException('given up', 'AbortError') })],
  ])('%s: cancelled, and nobody’s failure', (_name, error) => {
    expect(facts(error)).toEqual({ kind: 'cancelled', verdict: 'neutral', transient: false })
  })

  it.each([
    new CircuitOpenError('open', {}, 5),
    new RateLimitedError('limited', {}, 5),
    new BulkheadFullError('full', {}, 5),
  ])('$name: ours, nothing was sent', (error) => {
    expect(facts(error)).toEqual({ kind: 'ours', verdict: 'neutral', transient: false })
    expect(describeFailure(error).retryAfterMs).toBe(5)
  })

  it('our own timeout: never sent if it was never started', () => {
    const limit = { scope: 'total', timeoutMs: 5 } as const
    expect(facts(new TimeoutError({}, { ...limit, started: false }))).toMatchObject({
      kind: 'never-sent',
      verdict: 'neutral',
    })
    expect(facts(new TimeoutError({}, { ...limit, started: true }))).toMatchObject({
      kind: 'may-have-happened',
      verdict: 'failure',
    })
    expect(facts(new InvalidOptionError('cost', 0, 'it must be above 0'))).toMatchObject({ kind: 'ours' })
  })

  it('several attempts: only what the least certain of them proves', () => {
    expect(facts(exhausted(networkError('ECONNREFUSED'), networkError('ECONNREFUSED'))).kind).toBe('never-sent')
    expect(facts(exhausted(networkError('ECONNRESET'), networkError('ECONNREFUSED'))).kind).toBe('may-have-happened')
  })

  it('a bug: it may have happened, and is not worth another attempt', () => {
    expect(facts(new TypeError('x is not a function'))).toEqual({
      kind: 'may-have-happened',
      verdict: 'failure',
      transient: false,
    })
  })

  it.each([undefined, null, 0, 'text', Symbol('odd'), [], {}, () => 1])(
    '%s: no error at all, and still an answer',
    (oddity) => {
      expect(facts(oddity)).toEqual({ kind: 'may-have-happened', verdict: 'failure', transient: false })
    },
  )

  it('hostile objects do no harm', () => {
    const hostile = new Proxy(
      {},
      {
        get: () => {
          throw new Error('keep out')
        },
      },
    )
    const cyclic = new Error('around')
    cyclic.cause = new Error('and around', { cause: cyclic })
    const headers = {
      get: () => {
        throw new Error('no headers')
      },
    }
    expect(facts(hostile).kind).toBe('may-have-happened')
    expect(facts(cyclic).kind).toBe('may-have-happened')
    expect(describeFailure({ status: 503, headers }).retryAfterMs).toBeUndefined()
  })
})

describe('the most telling code', () => {
  it('is the network’s, not the wrapper’s', () => {
    const error = Object.assign(new Error('axios', { cause: networkError('ECONNRESET') }), { code: 'ERR_BAD_RESPONSE' })
    expect(describeFailure(error).code).toBe('ECONNRESET')
    expect(describeFailure(networkError('MY_CODE')).code).toBe('MY_CODE')
  })
})

describe('Retry-After', () => {
  const clock = new VirtualClock()

  it.each([
    ['120', 120_000],
    [' 0 ', 0],
    ['Mon, 05 Jan 2026 14:30:10 GMT', 10_000],
    ['Mon, 05 Jan 2026 14:00:00 GMT', 0],
    ['Monday, 05-Jan-26 14:30:10 GMT', 10_000],
    ['Mon Jan  5 14:30:10 2026', 10_000],
    ['Mon, 05 Jan 2026 14:30:10', 10_000],
    ['Mon, 05 Jan 2026 15:30:10 +0100', 10_000],
    ['Mon, 32 Jan 2026 14:30:10 GMT', undefined],
    ['tomorrow 2026', undefined],
    ['in a little while', undefined],
    ['-5', undefined],
    ['1.5', undefined],
    ['', undefined],
    ['99999999999999', undefined],
  ])('%j is %s', (value, expected) => {
    expect(parseRetryAfter(value, clock)).toBe(expected)
  })

  it('as a date is compared with the clock of who sent it', () => {
    const headers = { 'retry-after': 'Mon, 05 Jan 2026 15:00:10 GMT', date: 'Mon, 05 Jan 2026 15:00:00 GMT' }
    expect(describeFailure({ status: 429, headers }, clock).retryAfterMs).toBe(10_000)
    const undated = { ...headers, date: 'soon' }
    expect(describeFailure({ status: 429, headers: undated }, clock).retryAfterMs).toBe(1_810_000)
  })

  it('as a date needs a clock', () => {
    expect(parseRetryAfter('Mon, 05 Jan 2026 14:30:10 GMT')).toBeUndefined()
  })

  it('is found in the headers of fetch and of axios, and where an SDK has read it already', () => {
    expect(describeFailure({ status: 429, headers: new Headers({ 'Retry-After': '7' }) }).retryAfterMs).toBe(7_000)
    expect(describeFailure({ response: { status: 429, headers: { 'retry-after': '7' } } }).retryAfterMs).toBe(7_000)
    expect(describeFailure(statusError(429, 2_500)).retryAfterMs).toBe(2_500)
    const error = statusError(429)
    expect(
      describeFailure({ ...error, response: { headers: { 'retry-after': 'Mon, 05 Jan 2026 14:30:10 GMT' } } }, clock)
        .retryAfterMs,
    ).toBe(10_000)
  })
})

describe('a failure in a few words', () => {
  it('names the code that an SDK hides in a cause', () => {
    const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
    expect(briefFailure(new Error('The request failed', { cause: reset }))).toBe('The request failed (ECONNRESET)')
    expect(briefFailure(reset)).toBe('read ECONNRESET')
    expect(briefFailure(new Error('no such symbol'))).toBe('no such symbol')
    expect(briefFailure('nothing')).toBe('"nothing"')
  })
})
