import {
  BulkheadFullError,
  CircuitBreaker,
  CircuitOpenError,
  HoldfastError,
  InvalidOptionError,
  isRejection,
  RateLimitedError,
  RefusalError,
  RetriesExhaustedError,
  TimeoutError,
} from 'holdfast'
import { afterEach, describe, expect, it } from 'vitest'

afterEach(() => {
  RefusalError.captureStacks = false
})

describe('the errors', () => {
  const context = { service: 'alpaca', operation: 'getAccount', attempt: 2 }

  it.each([
    [new CircuitOpenError('open', context, 5), 'CircuitOpenError', 'HOLDFAST_CIRCUIT_OPEN'],
    [new RateLimitedError('limited', context, 5), 'RateLimitedError', 'HOLDFAST_RATE_LIMITED'],
    [new BulkheadFullError('full', context, 5), 'BulkheadFullError', 'HOLDFAST_BULKHEAD_FULL'],
    [new TimeoutError(context, { scope: 'attempt', timeoutMs: 5, started: true }), 'TimeoutError', 'HOLDFAST_TIMEOUT'],
    [
      new RetriesExhaustedError(context, { attempts: [], reason: 'deadline', cause: 1 }),
      'RetriesExhaustedError',
      'HOLDFAST_RETRIES_EXHAUSTED',
    ],
  ])('say who, what and which attempt: %s', (error, name, code) => {
    expect(error).toBeInstanceOf(HoldfastError)
    expect(error).toMatchObject({ name, code, ...context })
    expect(error.message).toMatch(/^alpaca\.getAccount \(attempt 2\): /)
  })

  it('end with what to do next', () => {
    expect(new TimeoutError({}, { scope: 'attempt', timeoutMs: 5, started: true }).message).toBe(
      "no answer within the attempt's 5 ms; it may still take effect, so look before you repeat it",
    )
    expect(
      new RetriesExhaustedError({}, { attempts: [], reason: 'deadline', cause: 'x', retryAfterMs: 4.2 }).message,
    ).toMatch(/; come back in 5 ms$/)
    expect(new InvalidOptionError('retry.maxRetries', -1, 'it must be a whole number').message).toBe(
      'retry.maxRetries is -1: it must be a whole number',
    )
  })

  it('name the code of a cause where the words leave it out, as `fetch` does', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:8080'), { code: 'ECONNREFUSED' })
    const failed = (cause: unknown): string =>
      new RetriesExhaustedError({}, { attempts: [], reason: 'max-retries', cause }).message
    expect(failed(new TypeError('fetch failed', { cause: refused }))).toContain('(last: fetch failed (ECONNREFUSED))')
    expect(failed(refused)).toContain('(last: connect ECONNREFUSED 127.0.0.1:8080)')
  })

  it('quote no more than a little of other errors', () => {
    const page = new Error('<html>'.repeat(1_000))
    expect(
      new RetriesExhaustedError({}, { attempts: [], reason: 'deadline', cause: page }).message.length,
    ).toBeLessThan(300)
    expect(new InvalidOptionError('x', 'y'.repeat(1_000), 'no').message.length).toBeLessThan(100)
  })
})

describe('refusals', () => {
  const refuse = (): RefusalError => {
    const breaker = new CircuitBreaker('alpaca')
    breaker.trip()
    try {
      breaker.tryEnter()
    } catch (error) {
      if (error instanceof RefusalError) return error
    }
    throw new Error('it was to refuse')
  }

  it('carry no stack unless one asks for it', () => {
    const limit = Error.stackTraceLimit
    expect(refuse().stack).not.toContain('errors.test')
    expect(Error.stackTraceLimit).toBe(limit)
    RefusalError.captureStacks = true
    expect(refuse().stack).toContain('errors.test')
  })

  it('are known by their code, also from another copy of the library', () => {
    expect(isRejection(refuse())).toBe(true)
    expect(isRejection({ code: 'HOLDFAST_RATE_LIMITED' })).toBe(true)
    expect(isRejection(new TimeoutError({}, { scope: 'total', timeoutMs: 5, started: false }))).toBe(false)
    expect([undefined, null, 5, 'HOLDFAST_RATE_LIMITED', {}].some(isRejection)).toBe(false)
  })
})
