import { seededRandom, VirtualClock } from '@holdfast/testing'
import fc from 'fast-check'
import { Bulkhead, type Call, CircuitBreaker, hedge, pipeline, RetryBudget } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { MovingQuantile } from '../../src/hedge/moving-quantile.ts'
import { networkError, rejection } from '../support.ts'

/** Answers after so many milliseconds, or when it is given up. */
function answerAfter(clock: VirtualClock, ms: number, value: unknown = ms, log: string[] = []) {
  return ({ signal }: { readonly signal: AbortSignal }): Promise<unknown> =>
    new Promise((resolve, reject) => {
      log.push(`sent at ${clock.now()}`)
      const timer = clock.setTimer(() => resolve(value), ms)
      signal.addEventListener('abort', () => {
        timer.cancel()
        log.push(`aborted at ${clock.now()}`)
        reject(signal.reason)
      })
    })
}

describe('a hedge', () => {
  it('is sent after the delay; the first success is the answer, and the other is aborted', async () => {
    const clock = new VirtualClock()
    const log: string[] = []
    const durations = [1_000, 50]
    const answer = hedge((call) => answerAfter(clock, durations.shift() ?? 0, undefined, log)(call), {
      delayMs: 200,
      clock,
    })
    await clock.advance(2_000)
    await answer
    expect(log).toEqual(['sent at 0', 'sent at 200', 'aborted at 250'])
    await clock.runToRest()
    expect(clock.pendingTimers).toBe(0)
  })

  it('is not sent when the first answers in time', async () => {
    const clock = new VirtualClock()
    const log: string[] = []
    const answer = hedge(answerAfter(clock, 199, 'answer', log), { delayMs: 200, clock })
    await clock.advance(1_000)
    expect(await answer).toBe('answer')
    expect(log).toEqual(['sent at 0'])
  })

  it('may fail without harm, and may save a call whose first has failed; when both fail, the first error is told', async () => {
    const clock = new VirtualClock()
    const later = async (ms: number, fail?: string): Promise<string> => {
      await new Promise<void>((resolve) => clock.setTimer(resolve, ms))
      if (fail !== undefined) throw networkError(fail)
      return 'answer'
    }
    const run = async (...calls: (() => Promise<string>)[]): Promise<unknown> => {
      const result = hedge(() => calls.shift()?.(), { delayMs: 100, clock }).catch((error: unknown) => error)
      await clock.advance(1_000)
      return await result
    }
    expect(
      await run(
        () => later(300),
        () => later(10, 'ECONNRESET'),
      ),
    ).toBe('answer')
    expect(
      await run(
        () => later(150, 'EPIPE'),
        () => later(100),
      ),
    ).toBe('answer')
    expect(
      await run(
        () => later(150, 'EPIPE'),
        () => later(100, 'ECONNRESET'),
      ),
    ).toMatchObject({ code: 'EPIPE' })
    expect(await run(() => later(50, 'EPIPE'))).toMatchObject({ code: 'EPIPE' })
  })

  it('that is refused does not hide that the first was sent', async () => {
    const clock = new VirtualClock()
    const guarded = pipeline({
      clock,
      hedge: { delayMs: 50 },
      bulkhead: new Bulkhead({ clock, maxConcurrent: 1, maxQueue: 0 }),
    })
    const failing = () => new Promise((_, reject) => clock.setTimer(() => reject(networkError('ECONNRESET')), 100))
    const result = rejection(guarded.execute(failing, { idempotent: true }))
    await clock.advance(200)
    expect(await result).toMatchObject({ code: 'ECONNRESET' })
    expect(guarded.totals).toMatchObject({ hedges: 1, refused: 1, failed: 1 })
  })

  it('is not beaten by a first call that returns a failure; when both do, the first one’s is the answer', async () => {
    const clock = new VirtualClock()
    const circuitBreaker = new CircuitBreaker('polygon', { clock, isFailureResult: (value) => Number(value) >= 500 })
    const guarded = pipeline({ clock, circuitBreaker, hedge: { delayMs: 50 } })
    const run = async (...calls: readonly (readonly [ms: number, status: number])[]): Promise<unknown> => {
      let call = 0
      const answer = guarded.execute(
        () => {
          const [ms = 0, status = 0] = calls[call++] ?? []
          return new Promise((resolve) => clock.setTimer(() => resolve(status), ms))
        },
        { idempotent: true },
      )
      await clock.advance(1_000)
      return await answer
    }
    expect(await run([100, 503], [100, 200])).toBe(200)
    expect(await run([100, 503], [100, 502])).toBe(503)
    expect(await run([100, 503], [10, 502])).toBe(503)
    expect(await run([10, 503], [10, 200])).toBe(503)
  })

  it.each([
    ['limit of the pipeline', { timeoutMs: 1_000 }, {}],
    ['limit of the call', {}, { timeoutMs: 1_000 }],
    ['time that the caller’s own caller waits', { timeoutMs: 5_000 }, { deadlineMs: 1_000 }],
  ])('has what the first has left of the %s', async (_, options, callOptions) => {
    const clock = new VirtualClock()
    const guarded = pipeline({ clock, hedge: { delayMs: 400 }, ...options })
    const left: number[] = []
    const hangs = ({ remainingMs }: Call): Promise<never> => {
      left.push(remainingMs())
      return new Promise(() => undefined)
    }
    let endedAt = 0
    const result = rejection(guarded.execute(hangs, { idempotent: true, ...callOptions })).then((error) => {
      endedAt = clock.now()
      return error
    })
    await clock.advance(10_000)
    expect(await result).toMatchObject({ code: 'HOLDFAST_TIMEOUT', scope: 'total', timeoutMs: 1_000 })
    expect([endedAt, left]).toEqual([1_000, [1_000, 600]])
  })

  it('hides no mistake of the caller’s behind the fallback', async () => {
    const guarded = pipeline({ hedge: { delayMs: 50 }, fallback: { use: () => 'last good' } })
    expect(await rejection(guarded.execute(() => 1, { timeoutMs: -1 }))).toMatchObject({ field: 'timeoutMs' })
    expect(await rejection(guarded.execute(JSON.parse('1')))).toBeInstanceOf(TypeError)
    expect(guarded.totals.started).toBe(0)
  })

  it('is given up with its caller, and leaves no listener behind', async () => {
    const clock = new VirtualClock()
    const log: string[] = []
    const controller = new AbortController()
    const { signal } = controller
    let listeners = 0
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof add>): void => {
      listeners++
      add(...args)
    }
    signal.removeEventListener = (...args: Parameters<typeof remove>): void => {
      listeners--
      remove(...args)
    }
    const result = rejection(hedge(answerAfter(clock, 1_000, 1, log), { delayMs: 100, clock, signal }))
    await clock.advance(150)
    controller.abort(new Error('enough'))
    expect(await result).toMatchObject({ message: 'enough' })
    expect(log).toEqual(['sent at 0', 'sent at 100', 'aborted at 150', 'aborted at 150'])
    expect(listeners).toBe(0)
  })

  it('is not sent for what may not be done twice', async () => {
    const clock = new VirtualClock()
    const guarded = pipeline({ clock, hedge: { delayMs: 10 } })
    const log: string[] = []
    const order = guarded.execute(answerAfter(clock, 100, 1, log), { idempotent: false })
    await clock.advance(100)
    await order
    expect(log).toHaveLength(1)
  })

  it('that loses counts as nothing: not against the circuit, and its slot is free again', async () => {
    const clock = new VirtualClock()
    const circuitBreaker = new CircuitBreaker('polygon', { clock, failureThreshold: 1 })
    const guarded = pipeline({ clock, circuitBreaker, hedge: { delayMs: 10 }, retryBudget: new RetryBudget() })
    const result = guarded.execute(answerAfter(clock, 100), { idempotent: true })
    await clock.advance(200)
    await result
    expect(circuitBreaker.snapshot()).toMatchObject({
      state: 'CLOSED',
      totals: { successes: 1, failures: 0, neutral: 1 },
    })
    expect(guarded.totals).toMatchObject({ started: 2, succeeded: 1, cancelled: 1, hedges: 1, inFlight: 0 })
  })

  it('follows the recent durations: about one call in twenty is hedged, once there are enough', async () => {
    const clock = new VirtualClock()
    const random = seededRandom(3)
    const guarded = pipeline({ clock, hedge: {}, retryBudget: new RetryBudget({ capacity: 1_000 }) })
    for (let call = 0; call < 19; call++) {
      const result = guarded.execute(answerAfter(clock, 1_000), { idempotent: true })
      await clock.advance(1_000)
      await result
    }
    expect(guarded.totals.hedges).toBe(0)
    for (let call = 0; call < 400; call++) {
      const result = guarded.execute(answerAfter(clock, 10 + random() * 90), { idempotent: true })
      await clock.advance(200)
      await result
    }
    expect(guarded.totals.hedges).toBeGreaterThan(8)
    expect(guarded.totals.hedges).toBeLessThan(40)
  })

  it('is never sent beyond the budget, whatever the durations', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 10 }),
        async (durations, capacity) => {
          const clock = new VirtualClock()
          const retryBudget = new RetryBudget({ capacity, tokensPerSuccess: 0.1 })
          const guarded = pipeline({ clock, hedge: { delayMs: 50 }, retryBudget })
          const results = durations.map((ms) => guarded.execute(answerAfter(clock, ms), { idempotent: true }))
          await clock.advance(1_000)
          await Promise.all(results)
          const { hedges, succeeded } = guarded.totals
          expect(hedges).toBeLessThanOrEqual(capacity / 2 + 0.1 * succeeded + 1e-6)
          expect(succeeded).toBe(durations.length)
        },
      ),
      { numRuns: 30 },
    )
  })

  it('gives way to the fallback when both fail', async () => {
    const clock = new VirtualClock()
    const guarded = pipeline({ clock, hedge: { delayMs: 50 }, fallback: { use: () => 'last good' } })
    const result = guarded.execute(() => Promise.reject(networkError('EPIPE')), { idempotent: true })
    await clock.advance(100)
    expect(await result).toBe('last good')
  })
})

describe('the moving quantile', () => {
  it('is that of the last 128 values, give or take the last seven', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 30, maxLength: 400 }),
        (values) => {
          const quantile = new MovingQuantile(0.95, 20)
          for (const value of values) quantile.add(value)
          const candidates = Array.from({ length: 8 }, (_, late) => {
            const seen = values
              .slice(0, values.length - late)
              .slice(-128)
              .toSorted((a, b) => a - b)
            return seen[Math.min(seen.length - 1, Math.floor(0.95 * seen.length))]
          })
          expect(candidates).toContain(quantile.value)
        },
      ),
    )
  })

  it('is not known from too few values', () => {
    const quantile = new MovingQuantile(0.5, 3)
    quantile.add(1)
    quantile.add(2)
    expect(quantile.value).toBeUndefined()
    quantile.add(3)
    expect(quantile.value).toBeDefined()
  })
})
