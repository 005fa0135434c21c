import { VirtualClock } from '@holdfast/testing'
import {
  AdaptiveThrottle,
  Bulkhead,
  BulkheadFullError,
  CircuitBreaker,
  CircuitOpenError,
  createResilience,
  pipeline,
  RateLimitedError,
  RateLimiter,
  ThrottledError,
} from 'holdfast'
import { describe, expect, it } from 'vitest'
import { networkError, rejection, statusError } from '../support.ts'

const throwing = (error: unknown) => (): never => {
  throw error
}

describe('a call without a promise', () => {
  const setUp = () => {
    const clock = new VirtualClock()
    const circuitBreaker = new CircuitBreaker('alpaca', { failureThreshold: 2, clock })
    const rateLimiter = new RateLimiter({ tokensPerSecond: 1, burstSize: 3, clock })
    const bulkhead = new Bulkhead({ maxConcurrent: 1, clock })
    const guarded = pipeline({
      circuitBreaker,
      rateLimiter,
      bulkhead,
      timeoutMs: 1_000,
      attemptTimeoutMs: 500,
      retry: { maxRetries: 3 },
      clock,
    })
    return { clock, circuitBreaker, rateLimiter, bulkhead, guarded }
  }

  it('returns what the function returns, and is told who calls', () => {
    const { guarded, circuitBreaker, bulkhead, rateLimiter } = setUp()
    const seen: unknown[] = []
    const answer = guarded.executeSync(
      ({ service, operation, attempt }) => {
        seen.push({ service, operation, attempt })
        return bulkhead.active
      },
      { operation: 'price' },
    )
    expect(answer).toBe(1)
    expect(seen).toEqual([{ service: 'alpaca', operation: 'price', attempt: 1 }])
    expect(bulkhead.active).toBe(0)
    expect(rateLimiter.snapshot().remaining).toBe(2)
    expect(circuitBreaker.snapshot().totals.successes).toBe(1)
    expect(guarded.totals).toMatchObject({ started: 1, succeeded: 1, inFlight: 0 })
  })

  it('throws what the function throws, does not try again, and the circuit learns of it', () => {
    const { guarded, circuitBreaker, bulkhead } = setUp()
    const error = networkError('ECONNRESET')
    let calls = 0
    for (let call = 0; call < 2; call++) {
      expect(() =>
        guarded.executeSync(() => {
          calls++
          throw error
        }),
      ).toThrow(error)
    }
    expect(calls).toBe(2)
    expect(bulkhead.active).toBe(0)
    expect(circuitBreaker.state).toBe('OPEN')
    expect(() => guarded.executeSync(() => 1)).toThrow(CircuitOpenError)
    expect(guarded.totals).toMatchObject({ started: 3, failed: 2, refused: 1, inFlight: 0 })
  })

  it('is refused when there is no slot or no token, and waits for neither', () => {
    const { guarded, bulkhead, rateLimiter } = setUp()
    const permit = bulkhead.tryEnter()
    expect(() => guarded.executeSync(() => 1)).toThrow(BulkheadFullError)
    expect(rateLimiter.snapshot().remaining).toBe(3)
    permit.release()
    for (let call = 0; call < 3; call++) guarded.executeSync(() => 1)
    expect(() => guarded.executeSync(() => 1)).toThrow(/alpaca: no token now \(0 calls wait\); come back in 1000 ms/)
    expect(bulkhead.active).toBe(0)
  })

  it('gives the probe back when it is refused a slot', async () => {
    const { clock, guarded, bulkhead, circuitBreaker } = setUp()
    for (let call = 0; call < 2; call++) circuitBreaker.tryEnter().fail()
    await clock.advance(30_000)
    const permit = bulkhead.tryEnter()
    expect(() => guarded.executeSync(() => 1)).toThrow(BulkheadFullError)
    permit.release()
    expect(guarded.executeSync(() => 1)).toBe(1)
    expect(circuitBreaker.state).toBe('CLOSED')
  })

  it('does not overtake those who wait', async () => {
    const { clock, bulkhead } = setUp()
    const waiting = rejection(bulkhead.execute(() => bulkhead.execute(() => 1)))
    expect(() => bulkhead.executeSync(() => 2)).toThrow(BulkheadFullError)
    await clock.advance(1_000)
    expect(await waiting).toBeInstanceOf(BulkheadFullError)
    expect(bulkhead.executeSync(() => 2)).toBe(2)
  })

  it('pauses the limiter when the service throttles', () => {
    const { guarded, rateLimiter } = setUp()
    expect(() => guarded.executeSync(throwing(statusError(429, 5_000)))).toThrow('status 429')
    expect(rateLimiter.snapshot().pausedForMs).toBe(5_000)
    expect(() => guarded.executeSync(() => 1)).toThrow(RateLimitedError)
  })

  it('refuses a function that returns a promise', () => {
    const { guarded, bulkhead } = setUp()
    expect(() => guarded.executeSync(async () => 1)).toThrow(
      /executeSync: the function returned a promise; use execute/,
    )
    expect(bulkhead.active).toBe(0)
  })

  it('refuses one whose promise rejects, and that rejection does not end the process besides', async () => {
    const { guarded } = setUp()
    const failing = (): Promise<never> => Promise.reject(networkError('ECONNRESET'))
    expect(() => guarded.executeSync(failing)).toThrow(/the function returned a promise/)
    const substitute = pipeline({ fallback: { use: failing } })
    expect(() => substitute.executeSync(throwing(networkError('EPIPE')))).toThrow(AggregateError)
    // A rejection that nobody looks at would fail the test run.
    await new Promise((resolve) => setTimeout(resolve, 1))
  })

  it('checks its cost', () => {
    const { guarded } = setUp()
    expect(() => guarded.executeSync(() => 1, { cost: 4 })).toThrow(/cost is 4: it must be above 0 and at most/)
    expect(guarded.totals.started).toBe(0)
  })

  it('has a key and a priority', () => {
    const clock = new VirtualClock()
    const circuitBreaker = new CircuitBreaker('polygon', { failureThreshold: 1, maxKeys: 10, clock })
    const bulkhead = new Bulkhead({ maxConcurrent: 2, criticalShare: 0.5, clock })
    const guarded = pipeline({ circuitBreaker, bulkhead, clock })
    expect(() => guarded.executeSync(throwing(networkError('ECONNRESET')), { key: 'AAPL' })).toThrow('ECONNRESET')
    expect(() => guarded.executeSync(() => 1, { key: 'AAPL' })).toThrow(CircuitOpenError)
    const inside = (priority?: 'critical') => guarded.executeSync(() => guarded.executeSync(() => 1, { priority }))
    expect(() => inside()).toThrow(BulkheadFullError)
    expect(inside('critical')).toBe(1)
    expect(() => guarded.executeSync(() => 1, JSON.parse('{"priority":"urgent"}'))).toThrow(/priority is "urgent"/)
  })

  it('is held back by a throttle, which learns of it', () => {
    const clock = new VirtualClock()
    const throttle = new AdaptiveThrottle({ clock, random: () => 0.5 })
    const guarded = pipeline({ throttle, clock })
    guarded.executeSync(() => 1)
    for (let call = 0; call < 12; call++) expect(() => guarded.executeSync(throwing(statusError(503)))).toThrow()
    expect(throttle.snapshot().accepts).toBe(1)
    for (let call = 0; call < 10; call++) expect(() => guarded.executeSync(throwing(statusError(503)))).toThrow()
    expect(() => guarded.executeSync(() => 1)).toThrow(ThrottledError)
  })

  it('has a substitute when it fails, which may return no promise either', () => {
    const error = networkError('ECONNRESET')
    expect(pipeline({ fallback: { use: (failed) => [failed] } }).executeSync(throwing(error))).toEqual([error])
    const late = pipeline({ fallback: { use: async () => 1 } })
    expect(() => late.executeSync(throwing(error))).toThrow(AggregateError)
  })

  it('returns a value that counts as a failure', () => {
    const breaker = new CircuitBreaker('alpaca', { failureThreshold: 1, isFailureResult: (value) => value === 503 })
    expect(breaker.executeSync(() => 503)).toBe(503)
    expect(breaker.state).toBe('OPEN')
  })

  it('works with each pattern alone and with a service', () => {
    const clock = new VirtualClock()
    expect(new CircuitBreaker('alpaca', { clock }).executeSync(() => 1)).toBe(1)
    expect(new RateLimiter({ tokensPerSecond: 1, clock }).executeSync(() => 2, { cost: 1 })).toBe(2)
    const alpaca = createResilience({ clock, services: { alpaca: { profile: 'BROKER' } } }).service('alpaca')
    const events: string[] = []
    expect(alpaca.executeSync(() => 3)).toBe(3)
    expect(alpaca.snapshot()).toMatchObject({ calls: { succeeded: 1 }, latency: { count: 1 } })
    alpaca.circuitBreaker?.trip()
    const resilience = createResilience({
      clock,
      services: { polygon: { profile: 'DATA_PROVIDER', circuitBreaker: { failureThreshold: 1 } } },
    })
    resilience.events.subscribe(({ type }) => events.push(type))
    const polygon = resilience.service('polygon')
    expect(() => polygon.executeSync(throwing(networkError('ECONNRESET')))).toThrow('ECONNRESET')
    expect(() => polygon.executeSync(() => 1)).toThrow(CircuitOpenError)
    expect(events).toEqual(['circuit', 'refused'])
  })
})
