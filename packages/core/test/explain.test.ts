import { seededRandom, VirtualClock } from '@holdfast/testing'
import {
  AdaptiveThrottle,
  Bulkhead,
  CircuitBreaker,
  type Explanation,
  explainRejection,
  pipeline,
  RateLimiter,
} from 'holdfast'
import { describe, expect, it } from 'vitest'
import { networkError, rejection } from './support.ts'

async function explained(promise: Promise<unknown>): Promise<Explanation | undefined> {
  return explainRejection(await rejection(promise))
}

const never = (): Promise<never> => new Promise(() => undefined)
const broken = (): Promise<never> => Promise.reject(networkError('ECONNRESET'))

describe('an explanation', () => {
  it('of an open circuit has its counts', async () => {
    const clock = new VirtualClock()
    const breaker = new CircuitBreaker('alpaca', { clock, failureThreshold: 2 })
    for (let n = 0; n < 2; n++) await rejection(breaker.execute(broken))
    expect(await explained(breaker.execute(() => 1, { operation: 'getAccount' }))).toEqual({
      decider: 'circuit breaker',
      code: 'HOLDFAST_CIRCUIT_OPEN',
      service: 'alpaca',
      operation: 'getAccount',
      attempt: 1,
      text: expect.stringContaining('circuit is open after 2 failures in a row (last: connect ECONNRESET)'),
      figures: {
        state: 'OPEN',
        mode: 'automatic',
        failureCount: 2,
        failureThreshold: 2,
        usualSuccessRate: null,
        since: clock.wallTime(),
      },
      retryAfterMs: 30_000,
    })
  })

  it('of a limiter has who waits and for how long', async () => {
    const clock = new VirtualClock()
    const rateLimiter = new RateLimiter({ clock, tokensPerSecond: 1, burstSize: 1, maxWaitMs: 500 })
    const guarded = pipeline({ name: 'fred', clock, rateLimiter })
    await guarded.execute(() => 1)
    expect(await explained(guarded.execute(() => 1))).toMatchObject({
      decider: 'rate limiter',
      service: 'fred',
      figures: { waiting: 0, waitMs: 1_000 },
      retryAfterMs: 1_000,
    })
  })

  it('of a bulkhead has its slots and its queue', async () => {
    const clock = new VirtualClock()
    const guarded = pipeline({ clock, bulkhead: new Bulkhead({ clock, maxConcurrent: 1, maxQueue: 1 }) })
    void guarded.execute(never)
    void guarded.execute(never).catch(() => undefined)
    expect(await explained(guarded.execute(never))).toMatchObject({
      decider: 'bulkhead',
      figures: { slots: 1, waiting: 1 },
    })
  })

  it('of a deadline has what it would take and what is left', async () => {
    const clock = new VirtualClock()
    const guarded = pipeline({ clock, timeoutMs: 1_000, bulkhead: new Bulkhead({ clock }) })
    for (let n = 0; n < 4; n++) {
      const slow = guarded.execute(() => new Promise<void>((resolve) => clock.setTimer(resolve, 400)))
      await clock.advance(400)
      await slow
    }
    expect(await explained(guarded.execute(never, { timeoutMs: 100 }))).toMatchObject({
      decider: 'deadline',
      figures: { waitMs: 0, runMs: 400, leftMs: 100 },
    })
  })

  it('of the throttle has what the service accepted', async () => {
    const clock = new VirtualClock()
    const throttle = new AdaptiveThrottle({ clock, random: seededRandom(3) })
    const guarded = pipeline({ clock, throttle })
    let explanation: Explanation | undefined
    for (let n = 0; n < 200 && explanation === undefined; n++) {
      explanation = await explained(guarded.execute(broken))
    }
    expect(explanation).toMatchObject({ decider: 'throttle', code: 'HOLDFAST_THROTTLED', figures: { accepts: 0 } })
    expect(explanation?.figures.refusalProbability).toBeGreaterThan(0)
  })

  it('of a retry that did not happen has the reason and what was waited', async () => {
    const clock = new VirtualClock()
    const guarded = pipeline({ clock, name: 'alpaca', retry: { maxRetries: 2, baseDelayMs: 100, jitter: 'none' } })
    const explanation = explained(guarded.execute(broken))
    await clock.advance(1_000)
    expect(await explanation).toMatchObject({
      decider: 'retry',
      service: 'alpaca',
      attempt: 3,
      figures: { reason: 'max-retries', attempts: 3, waitedMs: 300 },
    })
  })

  it('there is none of what the service or the caller did', async () => {
    const clock = new VirtualClock()
    const guarded = pipeline({ clock, attemptTimeoutMs: 100 })
    expect(await explained(guarded.execute(broken))).toBeUndefined()
    const timedOut = explained(guarded.execute(never))
    await clock.advance(100)
    expect(await timedOut).toBeUndefined()
    expect(explainRejection('nothing')).toBeUndefined()
  })
})
