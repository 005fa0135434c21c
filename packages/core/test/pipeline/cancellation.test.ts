import { getEventListeners } from 'node:events'
import { VirtualClock } from '@holdfast/testing'
import { Bulkhead, type Call, CircuitBreaker, type CircuitBreakerOptions, pipeline } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { networkError, rejection } from '../support.ts'

const retryNow = { maxRetries: 2, baseDelayMs: 100, jitter: 'none' } as const

describe('the signal', () => {
  it('is made only when it is read, and aborted with the timeout', async () => {
    const clock = new VirtualClock()
    const guarded = pipeline({ attemptTimeoutMs: 100, clock })
    let signal: AbortSignal | undefined
    const result = rejection(
      guarded.execute((call) => {
        signal = call.signal
        return new Promise(() => undefined)
      }),
    )
    expect(signal?.aborted).toBe(false)
    await clock.advance(100)
    expect(signal?.aborted).toBe(true)
    expect(signal?.reason).toBe(await result)
  })

  it('that is read after the end is aborted already', async () => {
    const clock = new VirtualClock()
    let late: Call | undefined
    const result = rejection(
      pipeline({ attemptTimeoutMs: 100, clock }).execute((call) => {
        late = call
        return new Promise(() => undefined)
      }),
    )
    await clock.advance(100)
    await result
    expect(late?.signal.aborted).toBe(true)
  })

  it('is a new one for each attempt', async () => {
    const clock = new VirtualClock()
    const signals: AbortSignal[] = []
    const result = pipeline({ attemptTimeoutMs: 100, retry: retryNow, clock }).execute(({ attempt, signal }) => {
      signals.push(signal)
      return attempt === 1 ? new Promise<string>(() => undefined) : 'second'
    })
    await clock.advance(200)
    await result
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false])
  })
})

describe('a caller who gives up', () => {
  const reason = new Error('no longer wanted')
  const setUp = () => {
    const clock = new VirtualClock()
    const controller = new AbortController()
    const bulkhead = new Bulkhead({ maxConcurrent: 1, acquireTimeoutMs: 60_000, clock })
    const circuitBreaker = new CircuitBreaker('alpaca', { failureThreshold: 1, clock })
    const guarded = pipeline({
      timeoutMs: 60_000,
      attemptTimeoutMs: 30_000,
      circuitBreaker,
      bulkhead,
      retry: retryNow,
      clock,
    })
    const atRest = async (): Promise<void> => {
      // So long an empty list of deadlines keeps its timer.
      await clock.advance(10)
      expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
      expect(clock.pendingTimersThatKeepAlive).toBe(0)
      expect(guarded.totals.inFlight).toBe(0)
    }
    return { clock, controller, bulkhead, circuitBreaker, guarded, atRest }
  }

  it('before it begins is told so, and nothing is called', async () => {
    const { controller, guarded, atRest } = setUp()
    controller.abort(reason)
    let called = false
    const work = (): void => {
      called = true
    }
    expect(await rejection(guarded.execute(work, { signal: controller.signal }))).toBe(reason)
    expect(called).toBe(false)
    expect(guarded.totals.cancelled).toBe(1)
    await atRest()
  })

  it('in the queue leaves it', async () => {
    const { clock, controller, bulkhead, guarded, atRest } = setUp()
    const permit = bulkhead.tryEnter()
    const result = rejection(guarded.execute(() => 1, { signal: controller.signal }))
    await clock.settle()
    expect(bulkhead.queued).toBe(1)
    controller.abort(reason)
    expect(await result).toBe(reason)
    expect(bulkhead.queued).toBe(0)
    permit.release()
    await atRest()
  })

  it('while the function runs gets his answer at once; the circuit counts nothing', async () => {
    const { controller, circuitBreaker, guarded, atRest } = setUp()
    let inner: AbortSignal | undefined
    const result = rejection(
      guarded.execute(
        (call) => {
          inner = call.signal
          return new Promise(() => undefined)
        },
        { signal: controller.signal },
      ),
    )
    controller.abort(reason)
    expect(await result).toBe(reason)
    expect(inner?.reason).toBe(reason)
    expect(circuitBreaker.snapshot()).toMatchObject({ state: 'CLOSED', totals: { neutral: 1, failures: 0 } })
    await atRest()
  })

  it('during a backoff is woken at once', async () => {
    const { clock, controller, circuitBreaker, guarded, atRest } = setUp()
    circuitBreaker.disable()
    const result = rejection(
      guarded.execute(() => Promise.reject(networkError('ECONNRESET')), { signal: controller.signal }),
    )
    await clock.advance(50)
    controller.abort(reason)
    expect(await result).toBe(reason)
    await atRest()
  })

  it('is never given a substitute', async () => {
    const clock = new VirtualClock()
    const guarded = pipeline({ fallback: { use: () => 'substitute' }, clock })
    const controller = new AbortController()
    const result = rejection(guarded.execute(() => new Promise(() => undefined), { signal: controller.signal }))
    controller.abort(reason)
    expect(await result).toBe(reason)
  })
})

describe('code of the user’s that gives up a call while it is asked about it', () => {
  const reason = new Error('no longer wanted')
  const setUp = (options: (abort: () => void) => CircuitBreakerOptions) => {
    const clock = new VirtualClock()
    const controller = new AbortController()
    const circuitBreaker = new CircuitBreaker('alpaca', {
      failureThreshold: 10,
      clock,
      ...options(() => controller.abort(reason)),
    })
    const bulkhead = new Bulkhead({ maxConcurrent: 1, clock })
    const guarded = pipeline({ attemptTimeoutMs: 100, circuitBreaker, bulkhead, clock })
    return { clock, signal: controller.signal, circuitBreaker, bulkhead, guarded }
  }
  const judging = (abort: () => void) => {
    abort()
    return true
  }

  it.each([
    [
      'isFailure',
      (abort: () => void) => ({ isFailure: () => judging(abort) }),
      (): Promise<unknown> => Promise.reject(networkError('EPIPE')),
    ],
    ['isFailureResult', (abort: () => void) => ({ isFailureResult: () => judging(abort) }), (): unknown => 1],
    [
      'isFailure, of a timeout',
      (abort: () => void) => ({ isFailure: () => judging(abort) }),
      (): Promise<unknown> => new Promise(() => undefined),
    ],
  ])('%s: the guards are told of the attempt once', async (_, options, fn) => {
    const { clock, signal, circuitBreaker, bulkhead, guarded } = setUp(options)
    const result = rejection(guarded.execute(fn, { signal }))
    await clock.advance(100)
    expect(await result).toBe(reason)
    const { successes, failures, neutral } = circuitBreaker.snapshot().totals
    expect(successes + failures + neutral).toBe(1)
    expect(guarded.totals).toMatchObject({ started: 1, cancelled: 1, failed: 0, inFlight: 0 })
    await clock.advance(1_000)
    expect(bulkhead.active).toBe(0)
  })

  it('retryOn: it is not tried again', async () => {
    const clock = new VirtualClock()
    const controller = new AbortController()
    const retryOn = [() => judging(() => controller.abort(reason))]
    const guarded = pipeline({ retry: { baseDelayMs: 10, retryOn }, clock })
    let calls = 0
    const failing = (): Promise<never> => {
      calls++
      return Promise.reject(networkError('EPIPE'))
    }
    const result = rejection(guarded.execute(failing, { signal: controller.signal }))
    await clock.runToRest()
    expect(await result).toBe(reason)
    expect(calls).toBe(1)
    expect(guarded.totals).toMatchObject({ started: 1, cancelled: 1, failed: 0, inFlight: 0 })
  })

  it('a function that is admitted with another: the other is not called any more', async () => {
    const clock = new VirtualClock()
    const bulkhead = new Bulkhead({ maxConcurrent: 2, clock })
    const guarded = pipeline({ bulkhead, clock })
    const permits = [bulkhead.tryEnter(), bulkhead.tryEnter()]
    const controller = new AbortController()
    const first = guarded.execute(() => controller.abort(reason))
    let orders = 0
    const second = rejection(guarded.execute(() => ++orders, { signal: controller.signal }))
    bulkhead.setMaxConcurrent(4)
    await first
    expect(await second).toBe(reason)
    for (const permit of permits) permit.release()
    expect(orders).toBe(0)
    expect(bulkhead.active).toBe(0)
    expect(guarded.totals).toMatchObject({ started: 2, succeeded: 1, cancelled: 1, inFlight: 0 })
  })

  it('a function that has waited for a probe with another: the other is not called any more', async () => {
    const clock = new VirtualClock()
    const circuitBreaker = new CircuitBreaker('alpaca', {
      failureThreshold: 1,
      recoveryTimeoutMs: 100,
      maxParked: 5,
      clock,
    })
    const guarded = pipeline({ circuitBreaker, clock })
    circuitBreaker.tryEnter().fail()
    const controller = new AbortController()
    const probe = guarded.execute(async () => 'back')
    const first = guarded.execute(() => controller.abort(reason))
    let orders = 0
    const second = rejection(guarded.execute(() => ++orders, { signal: controller.signal }))
    await clock.advance(100)
    await Promise.all([probe, first])
    expect(await second).toBe(reason)
    expect(orders).toBe(0)
    expect(guarded.totals).toMatchObject({ started: 3, succeeded: 2, cancelled: 1, inFlight: 0 })
  })
})
