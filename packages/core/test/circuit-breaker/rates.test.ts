import { VirtualClock } from '@holdfast/testing'
import { CircuitBreaker, type CircuitBreakerOptions, CircuitOpenError, InvalidOptionError, pipeline } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { networkError, rejection } from '../support.ts'

function breakerWith(options: CircuitBreakerOptions) {
  const clock = new VirtualClock()
  const reasons: string[] = []
  const breaker = new CircuitBreaker('alpaca', {
    failureThreshold: 1_000,
    onStateChange: ({ to, reason }) => reasons.push(`${to}: ${reason}`),
    clock,
    ...options,
  })
  const end = (outcome: 'succeed' | 'fail', times = 1): void => {
    for (let call = 0; call < times; call++) breaker.tryEnter()[outcome](networkError('ECONNRESET'))
  }
  const take = async (durationMs: number, times = 1): Promise<void> => {
    for (let call = 0; call < times; call++) {
      const settled = breaker.execute(() => new Promise<void>((resolve) => void clock.setTimer(resolve, durationMs)))
      await clock.advance(durationMs)
      await settled
    }
  }
  return { breaker, clock, reasons, end, take }
}

describe('a failure rate', () => {
  it('opens the circuit at that share of the last calls', () => {
    const { breaker, reasons, end } = breakerWith({ failureRate: 0.5, windowCalls: 10, minimumCalls: 10 })
    for (let pair = 0; pair < 20; pair++) {
      end('succeed', 2)
      end('fail')
    }
    expect(breaker.state).toBe('CLOSED')
    end('fail', 2)
    expect(reasons).toEqual(['OPEN: failure-rate'])
    expect(breaker.snapshot().window).toEqual({ calls: 10, failures: 5, slow: 0 })
  })

  it('says nothing before the least number of calls; the call that completes it may be a success', () => {
    const { breaker, end } = breakerWith({ failureRate: 0.5, windowCalls: 100 })
    end('fail', 19)
    expect(breaker.state).toBe('CLOSED')
    end('succeed')
    expect(breaker.state).toBe('OPEN')
  })

  it('has a least number of calls that its window can hold', () => {
    const { breaker, end } = breakerWith({ failureRate: 1, windowCalls: 3 })
    end('fail', 3)
    expect(breaker.state).toBe('OPEN')
  })

  it('over a window of time forgets what is older', async () => {
    const { breaker, clock, end } = breakerWith({ failureRate: 0.5, windowMs: 10_000, minimumCalls: 10 })
    end('fail', 9)
    await clock.advance(10_000)
    end('fail')
    expect(breaker.state).toBe('CLOSED')
    expect(breaker.snapshot().window).toEqual({ calls: 1, failures: 1, slow: 0 })
    await clock.advance(5_000)
    end('fail', 9)
    expect(breaker.state).toBe('OPEN')
  })

  it('does not keep failures in a row from opening it', () => {
    const { reasons, end } = breakerWith({ failureThreshold: 3, failureRate: 0.9 })
    end('succeed', 50)
    end('fail', 3)
    expect(reasons).toEqual(['OPEN: failure-threshold'])
  })

  it('is told in the refusal', async () => {
    const { breaker, end } = breakerWith({ failureRate: 0.5, windowCalls: 20 })
    end('succeed', 10)
    end('fail', 10)
    const error = await rejection(breaker.execute(() => 1))
    expect(error).toBeInstanceOf(CircuitOpenError)
    expect(error).toHaveProperty('message', expect.stringContaining('10 of the last 20 calls failed; a probe'))
  })

  it('begins anew when the circuit closes', async () => {
    const { breaker, clock, end } = breakerWith({ failureRate: 0.5, windowCalls: 20, minimumCalls: 5 })
    end('fail', 5)
    await clock.advance(30_000)
    end('succeed')
    expect(breaker.state).toBe('CLOSED')
    expect(breaker.snapshot().window).toEqual({ calls: 0, failures: 0, slow: 0 })
    end('fail', 4)
    expect(breaker.state).toBe('CLOSED')
  })

  it('does not count what says nothing about the service', () => {
    const { breaker, end } = breakerWith({ failureRate: 0.5, minimumCalls: 2 })
    for (let call = 0; call < 50; call++) breaker.tryEnter().ignore()
    end('succeed')
    expect(breaker.snapshot().window).toEqual({ calls: 1, failures: 0, slow: 0 })
  })
})

describe('slow calls', () => {
  it('open the circuit at half of the last calls, although each of them succeeds', async () => {
    const { breaker, reasons, take } = breakerWith({ slowCallMs: 2_000, windowCalls: 20 })
    await take(1_999, 10)
    await take(2_000, 9)
    expect(breaker.state).toBe('CLOSED')
    await take(2_000)
    expect(reasons).toEqual(['OPEN: slow-call-rate'])
    const error = await rejection(breaker.execute(() => 1))
    expect(error).toHaveProperty('message', expect.stringContaining('10 of the last 20 calls took 2000 ms or longer'))
  })

  it('at a share that can be chosen', async () => {
    const { breaker, take } = breakerWith({ slowCallMs: 100, slowCallRate: 0.8, windowCalls: 10 })
    await take(10, 3)
    await take(100, 7)
    expect(breaker.state).toBe('CLOSED')
    await take(100)
    expect(breaker.state).toBe('OPEN')
  })

  it('that fail are both: an attempt that timed out took its limit', async () => {
    const { breaker, clock } = breakerWith({ slowCallMs: 100, windowCalls: 10 })
    const guarded = pipeline({ circuitBreaker: breaker, attemptTimeoutMs: 100, clock })
    const settled = rejection(guarded.execute(() => new Promise(() => undefined)))
    await clock.advance(100)
    await settled
    expect(breaker.snapshot().window).toEqual({ calls: 1, failures: 1, slow: 1 })
  })

  it('of a second attempt are timed from its own beginning', async () => {
    const { breaker, clock } = breakerWith({ slowCallMs: 100, windowCalls: 10 })
    const retry = { maxRetries: 1, baseDelayMs: 500, jitter: 'none' } as const
    const guarded = pipeline({ circuitBreaker: breaker, retry, clock })
    const settled = guarded.execute(
      async ({ attempt }) => {
        if (attempt === 1) throw networkError('ECONNRESET')
      },
      { idempotent: true },
    )
    await clock.advance(500)
    await settled
    expect(breaker.snapshot().window).toEqual({ calls: 2, failures: 1, slow: 0 })
  })

  it('do not count the time in the queue', async () => {
    const { breaker, clock } = breakerWith({ slowCallMs: 100, windowCalls: 10 })
    const { Bulkhead } = await import('holdfast')
    const guarded = pipeline({ circuitBreaker: breaker, bulkhead: new Bulkhead({ maxConcurrent: 1, clock }), clock })
    const work = () => new Promise<void>((resolve) => void clock.setTimer(resolve, 60))
    const settled = Promise.all([guarded.execute(work), guarded.execute(work)])
    await clock.advance(120)
    await settled
    expect(breaker.snapshot().window).toEqual({ calls: 2, failures: 0, slow: 0 })
  })

  it('a slow probe does not close the circuit', async () => {
    const { breaker, clock, reasons, take } = breakerWith({ slowCallMs: 100, windowCalls: 5, recoveryTimeoutMs: 1_000 })
    await take(100, 5)
    await clock.advance(1_000)
    await take(100)
    expect(breaker.state).toBe('OPEN')
    await clock.advance(1_000)
    await take(99)
    expect(reasons).toEqual([
      'OPEN: slow-call-rate',
      'HALF_OPEN: recovery-timeout',
      'OPEN: probe-slow',
      'HALF_OPEN: recovery-timeout',
      'CLOSED: probe-succeeded',
    ])
  })
})

describe('rates and the rest of the circuit', () => {
  it('callers who come early wait for the first probe, whatever opened the circuit', async () => {
    const options = { failureRate: 0.5, windowCalls: 10, recoveryTimeoutMs: 100, maxParked: 1 }
    const { breaker, clock, end } = breakerWith(options)
    end('fail', 10)
    expect(breaker.state).toBe('OPEN')
    const answer = breaker.execute(() => 'after the probe')
    expect(breaker.snapshot().parked).toBe(1)
    await clock.advance(100)
    expect(await answer).toBe('after the probe')
  })

  it('are of the whole service: a key has none of its own, and fails by its streak', () => {
    const options = { failureThreshold: 3, failureRate: 0.5, windowCalls: 10, maxKeys: 10 }
    const { breaker } = breakerWith(options)
    for (let call = 0; call < 3; call++) breaker.tryEnter('AAPL').fail()
    expect(breaker.snapshot().keys).toEqual({ AAPL: 'OPEN' })
    for (let call = 0; call < 7; call++) breaker.tryEnter('MSFT').succeed()
    expect(breaker.state).toBe('CLOSED')
    expect(breaker.snapshot().window).toEqual({ calls: 10, failures: 3, slow: 0 })
  })
})

describe('options of the rates', () => {
  it.each<[CircuitBreakerOptions, RegExp]>([
    [{ slowCallRate: 0.5 }, /slowCallRate is 0.5: it needs slowCallMs/],
    [{ failureRate: 0.5, windowCalls: 10, windowMs: 1_000 }, /windowMs is 1000: a window has windowCalls or windowMs/],
    [{ failureRate: 0.5, windowCalls: 10, minimumCalls: 11 }, /minimumCalls is 11: it must be at most windowCalls/],
    [{ failureRate: 0 }, /failureRate is 0: it must be a number above 0 and at most 1/],
    [{ failureRate: 50 }, /failureRate is 50/],
    [{ failureRate: 0.5, windowCalls: 2_000_000 }, /from 1 to 1,000,000/],
    [{ failureRate: 0.5, windowMs: 99 }, /from 100 to/],
  ])('%j make no sense', (options, message) => {
    expect(() => new CircuitBreaker('alpaca', options)).toThrow(InvalidOptionError)
    expect(() => new CircuitBreaker('alpaca', options)).toThrow(message)
  })
})
