import { VirtualClock } from '@holdfast/testing'
import { Bulkhead, CircuitBreaker, pipeline, RateLimiter } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { deferred, networkError, rejection } from '../support.ts'

describe('a limiter and a bulkhead in one queue', () => {
  it('a call that waits for a slot has taken no token, and one that waits for a token holds no slot', async () => {
    const clock = new VirtualClock()
    const rateLimiter = new RateLimiter({ tokensPerSecond: 1, burstSize: 2, clock })
    const bulkhead = new Bulkhead({ maxConcurrent: 1, acquireTimeoutMs: 60_000, clock })
    const guarded = pipeline({ rateLimiter, bulkhead, clock })
    const first = deferred()
    const order: string[] = []
    void guarded.execute(() => first.promise)
    const second = guarded.execute(() => void order.push('second'))
    await clock.settle()
    expect(rateLimiter.snapshot().remaining).toBe(1)
    expect(bulkhead.snapshot()).toMatchObject({ active: 1, queued: 1 })
    first.resolve()
    await second
    const third = guarded.execute(() => void order.push('third'))
    await clock.settle()
    expect(bulkhead.snapshot()).toMatchObject({ active: 0, queued: 1 })
    await clock.advance(1_000)
    await third
    expect(order).toEqual(['second', 'third'])
    expect(clock.pendingTimers).toBe(0)
  })

  it('refuses on arrival who could not have a token in time', async () => {
    const clock = new VirtualClock()
    const rateLimiter = new RateLimiter({ tokensPerSecond: 1, burstSize: 1, clock })
    const bulkhead = new Bulkhead({ maxConcurrent: 5, acquireTimeoutMs: 1_500, clock })
    const guarded = pipeline({ rateLimiter, bulkhead, clock })
    await guarded.execute(() => 1)
    const patient = guarded.execute(() => 2)
    const refused = await rejection(guarded.execute(() => 3))
    expect(refused).toMatchObject({ code: 'HOLDFAST_RATE_LIMITED', retryAfterMs: 2_000 })
    await clock.advance(1_000)
    expect(await patient).toBe(2)
  })

  it('refuses nobody because its call had read the clock a moment ago', async () => {
    const clock = new VirtualClock()
    const { gate } = new RateLimiter({ tokensPerSecond: 1_000, burstSize: 1, maxWaitMs: 0, clock })
    const call = (readAgoMs: number) => ({
      service: undefined,
      operation: undefined,
      attempt: 1,
      client: undefined,
      cost: 1,
      key: undefined,
      priority: 'normal' as const,
      deadlineAt: Number.POSITIVE_INFINITY,
      admittedAt: -1,
      slot: undefined,
      queue: undefined,
      now: () => clock.now() - readAgoMs,
      admitted: () => {},
      askAgain: () => {},
      refused: () => {},
    })
    expect(gate.enter(call(0))).toBeUndefined()
    expect(gate.enter(call(0))).toMatchObject({ code: 'HOLDFAST_RATE_LIMITED', retryAfterMs: 1 })
    await clock.advance(1)
    expect(gate.enter(call(1))).toBeUndefined()
  })

  it('does not hold up other clients behind one that has used up its tokens', async () => {
    const clock = new VirtualClock()
    const rateLimiter = new RateLimiter({ perClient: { tokensPerSecond: 1, burstSize: 1 }, clock })
    const guarded = pipeline({ rateLimiter, bulkhead: new Bulkhead({ acquireTimeoutMs: 5_000, clock }), clock })
    const order: string[] = []
    const call = (client: string): Promise<unknown> => guarded.execute(() => void order.push(client), { client })
    await call('greedy')
    const late = call('greedy')
    await call('modest')
    expect(order).toEqual(['greedy', 'modest'])
    await clock.advance(1_000)
    await late
    expect(order).toEqual(['greedy', 'modest', 'greedy'])
  })

  it('gives tokens back that were taken for a call which then does not run', async () => {
    const clock = new VirtualClock()
    const rateLimiter = new RateLimiter({ tokensPerSecond: 1, burstSize: 5, clock })
    const circuitBreaker = new CircuitBreaker('alpaca', { clock })
    const guarded = pipeline({
      rateLimiter,
      circuitBreaker,
      bulkhead: new Bulkhead({ maxConcurrent: 1, clock }),
      clock,
    })
    const first = deferred()
    void guarded.execute(() => first.promise)
    const second = rejection(guarded.execute(() => 'never'))
    await clock.settle()
    circuitBreaker.trip()
    first.resolve()
    expect(await second).toMatchObject({ code: 'HOLDFAST_CIRCUIT_OPEN' })
    expect(rateLimiter.snapshot()).toMatchObject({ remaining: 4, totals: { admitted: 1 } })
  })

  it('asks the circuit again when the wait is over, because it may have opened', async () => {
    const clock = new VirtualClock()
    const circuitBreaker = new CircuitBreaker('alpaca', { failureThreshold: 1, clock })
    const bulkhead = new Bulkhead({ maxConcurrent: 1, clock })
    const guarded = pipeline({ circuitBreaker, bulkhead, clock })
    const first = deferred()
    const failed = rejection(guarded.execute(() => first.promise))
    let called = false
    const second = rejection(
      guarded.execute(() => {
        called = true
      }),
    )
    await clock.settle()
    first.reject(networkError('ECONNRESET'))
    await failed
    expect(await second).toMatchObject({ code: 'HOLDFAST_CIRCUIT_OPEN' })
    expect(called).toBe(false)
    expect(bulkhead.snapshot()).toMatchObject({ active: 0, queued: 0 })
  })

  it('serves two pipelines that share a bulkhead in turn', async () => {
    const clock = new VirtualClock()
    const bulkhead = new Bulkhead({ maxConcurrent: 1, acquireTimeoutMs: 60_000, clock })
    const limiter = (): RateLimiter => new RateLimiter({ tokensPerSecond: 1_000, burstSize: 1_000, clock })
    const left = pipeline({ bulkhead, rateLimiter: limiter(), clock })
    const right = pipeline({ bulkhead, rateLimiter: limiter(), clock })
    const order: string[] = []
    const permit = bulkhead.tryEnter()
    const all = [
      ...['l1', 'l2', 'l3'].map((name) => left.execute(() => void order.push(name))),
      ...['r1', 'r2', 'r3'].map((name) => right.execute(() => void order.push(name))),
    ]
    await clock.settle()
    permit.release()
    await Promise.all(all)
    expect(order).toEqual(['l1', 'r1', 'l2', 'r2', 'l3', 'r3'])
  })
})
