import { VirtualClock } from '@holdfast/testing'
import { Bulkhead, CircuitBreaker, pipeline, RateLimiter } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { collectReports, networkError, rejection, statusError } from '../support.ts'

/** Calls its handler now, and again later: what no promise does that obeys the rules. */
function eagerThen(fulfil: (value: unknown) => unknown): Promise<unknown> {
  fulfil('now')
  return Promise.resolve('later').then(fulfil)
}

class Eager extends Promise<unknown> {}
Object.defineProperty(Eager.prototype, 'then', { value: eagerThen })

const retryNow = { maxRetries: 2, baseDelayMs: 100, jitter: 'none' } as const

describe('the order of the patterns', () => {
  it('is the same however they are written: every attempt asks the circuit, and takes a token and a slot of its own', async () => {
    const clock = new VirtualClock()
    const rateLimiter = new RateLimiter({ tokensPerSecond: 1, burstSize: 10, clock })
    const bulkhead = new Bulkhead({ clock })
    const circuitBreaker = new CircuitBreaker('alpaca', { clock })
    const guarded = pipeline({ bulkhead, rateLimiter, circuitBreaker, retry: retryNow, clock })
    const result = rejection(guarded.execute(() => Promise.reject(networkError('ECONNREFUSED'))))
    await clock.runToRest()
    expect(await result).toMatchObject({ code: 'HOLDFAST_RETRIES_EXHAUSTED', service: 'alpaca' })
    expect(circuitBreaker.failureCount).toBe(3)
    expect(rateLimiter.snapshot().totals.admitted).toBe(3)
    expect(bulkhead.snapshot()).toMatchObject({ active: 0, totals: { admitted: 3 } })
  })

  it('an open circuit costs neither token nor slot', async () => {
    const clock = new VirtualClock()
    const rateLimiter = new RateLimiter({ tokensPerSecond: 1, burstSize: 10, clock })
    const bulkhead = new Bulkhead({ clock })
    const circuitBreaker = new CircuitBreaker('alpaca', { clock })
    circuitBreaker.trip()
    await rejection(pipeline({ circuitBreaker, rateLimiter, bulkhead, clock }).execute(() => 1))
    expect(rateLimiter.snapshot().totals).toEqual({ admitted: 0, refused: 0 })
    expect(bulkhead.snapshot().totals).toEqual({ admitted: 0, refused: 0 })
  })

  it('gives the half-open probe back when the bulkhead refuses', async () => {
    const clock = new VirtualClock()
    const circuitBreaker = new CircuitBreaker('alpaca', { failureThreshold: 1, clock })
    const bulkhead = new Bulkhead({ maxConcurrent: 1, maxQueue: 0, clock })
    const guarded = pipeline({ circuitBreaker, bulkhead, clock })
    await rejection(guarded.execute(() => Promise.reject(networkError('ECONNRESET'))))
    await clock.advance(30_000)
    const permit = bulkhead.tryEnter()
    expect(await rejection(guarded.execute(() => 1))).toMatchObject({ code: 'HOLDFAST_BULKHEAD_FULL' })
    expect(circuitBreaker.snapshot()).toMatchObject({ state: 'HALF_OPEN', probes: 0, failureCount: 1 })
    permit.release()
    expect(await guarded.execute(() => 1)).toBe(1)
    expect(circuitBreaker.state).toBe('CLOSED')
  })

  it('stops retrying when the circuit opens, without waiting', async () => {
    const clock = new VirtualClock()
    const circuitBreaker = new CircuitBreaker('alpaca', { failureThreshold: 2, clock })
    const guarded = pipeline({ circuitBreaker, retry: { ...retryNow, maxRetries: 5 }, clock })
    const result = rejection(guarded.execute(() => Promise.reject(networkError('ECONNRESET'))))
    await clock.advance(100)
    const error = await result
    expect(error).toMatchObject({ reason: 'circuit-open', cause: { code: 'ECONNRESET' } })
    expect(clock.now()).toBe(100)
  })

  it('refuses to repeat the refusals of its own guards unless they are on the list', async () => {
    const clock = new VirtualClock()
    const bulkhead = new Bulkhead({ maxConcurrent: 1, maxQueue: 0, clock })
    const permit = bulkhead.tryEnter()
    const plain = pipeline({ bulkhead, retry: retryNow, clock })
    expect(await rejection(plain.execute(() => 1))).toMatchObject({ code: 'HOLDFAST_BULKHEAD_FULL' })
    const stubborn = pipeline({ bulkhead, retry: { ...retryNow, retryOn: ['HOLDFAST_BULKHEAD_FULL'] }, clock })
    const result = stubborn.execute(() => 1)
    await clock.settle()
    permit.release()
    // As long as the refusal asked for.
    await clock.advance(1_000)
    expect(await result).toBe(1)
  })
})

describe('a service that throttles', () => {
  it('pauses the limiter for as long as it asked, before the next call takes a token', async () => {
    const clock = new VirtualClock()
    const rateLimiter = new RateLimiter({ tokensPerSecond: 100, burstSize: 100, clock })
    const guarded = pipeline({ rateLimiter, clock })
    await rejection(guarded.execute(() => Promise.reject(statusError(429, 2_000))))
    expect(rateLimiter.snapshot().pausedForMs).toBe(2_000)
    let ran = false
    const next = guarded.execute(() => {
      ran = true
    })
    await clock.advance(1_999)
    expect(ran).toBe(false)
    await clock.advance(1)
    await next
    expect(ran).toBe(true)
  })
})

describe('what is counted', () => {
  it('adds up at rest', async () => {
    const clock = new VirtualClock()
    const bulkhead = new Bulkhead({ maxConcurrent: 1, maxQueue: 0, clock })
    const guarded = pipeline({ bulkhead, clock })
    await guarded.execute(() => 1)
    await rejection(guarded.execute(() => Promise.reject(new Error('bad'))))
    const permit = bulkhead.tryEnter()
    await rejection(guarded.execute(() => 1))
    permit.release()
    await rejection(guarded.execute(() => 1, { signal: AbortSignal.abort() }))
    expect(guarded.totals).toEqual({
      started: 4,
      succeeded: 1,
      failed: 1,
      refused: 1,
      cancelled: 1,
      inFlight: 0,
      retries: 0,
      hedges: 0,
      timeouts: 0,
    })
  })
})

describe('wrapped functions', () => {
  it('keep their parameters, their this, and their name as the operation', async () => {
    class Desk {
      readonly prefix = 'desk'
      readonly ask = pipeline({ name: 'alpaca', timeoutMs: 100, clock: new VirtualClock() }).wrap(async function ask(
        this: Desk,
        symbol: string,
        count: number,
      ) {
        if (count < 0) throw new Error('negative')
        return `${this.prefix} ${symbol} ${count}`
      })
    }
    expect(await new Desk().ask('AAPL', 2)).toBe('desk AAPL 2')
  })
})

describe('odd functions', () => {
  const guarded = pipeline({
    timeoutMs: 1_000,
    attemptTimeoutMs: 500,
    circuitBreaker: new CircuitBreaker('odd', { clock: new VirtualClock() }),
    bulkhead: new Bulkhead({ clock: new VirtualClock() }),
    clock: new VirtualClock(),
  })

  it('that throw synchronously reject', async () => {
    const oops = new Error('oops')
    const throwing = (): never => {
      throw oops
    }
    expect(await rejection(guarded.execute(throwing))).toBe(oops)
  })

  it('that return no promise resolve', async () => {
    expect(await guarded.execute(() => 5)).toBe(5)
    expect(await guarded.execute(() => undefined)).toBeUndefined()
  })

  it('that are none, such as the promise of a call that has been made already, are told so, and nobody is to blame', async () => {
    const circuitBreaker = new CircuitBreaker('odd', { failureThreshold: 1 })
    const strict = pipeline({ retry: retryNow, circuitBreaker })
    const promise: ReturnType<typeof JSON.parse> = Promise.resolve(1)
    const message = expect.stringMatching(/not a function.*\(\) => client\.getAccount\(\)/)
    expect(await rejection(strict.execute(promise))).toMatchObject({ name: 'TypeError', message })
    expect(await rejection(strict.execute(promise, { operation: 'getAccount' }))).toMatchObject({ name: 'TypeError' })
    expect(() => strict.executeSync(promise)).toThrow(TypeError)
    expect(circuitBreaker.snapshot()).toMatchObject({ state: 'CLOSED', totals: { failures: 0 } })
    expect(strict.totals.started).toBe(0)
  })

  it('that return a thenable which settles twice count once', async () => {
    const settleTwice = (resolve: (value: string) => void, reject: (reason: unknown) => void): void => {
      resolve('first')
      resolve('second')
      reject(new Error('third'))
    }
    const twice: unknown = Object.fromEntries([['then', settleTwice]])
    expect(await guarded.execute(() => twice)).toBe('first')
    expect(guarded.totals.inFlight).toBe(0)
  })

  it.each([
    ['of a class of its own', (value: number) => Object.setPrototypeOf(Promise.resolve(value), Eager.prototype)],
    [
      'with a `then` of its own',
      (value: number) => Object.defineProperty(Promise.resolve(value), 'then', { value: eagerThen }),
    ],
  ])('that return a promise %s that calls its handlers twice count once', async (_, promise) => {
    const bulkhead = new Bulkhead({ maxConcurrent: 1, clock: new VirtualClock() })
    const slots = pipeline({ bulkhead, clock: new VirtualClock() })
    for (const options of [undefined, {}, { signal: new AbortController().signal }]) {
      await slots.execute(() => promise(7), options)
    }
    await new Promise((resolve) => setImmediate(resolve))
    expect(bulkhead.active).toBe(0)
    expect(slots.totals).toMatchObject({ started: 3, succeeded: 3 })
  })

  it('that reject with undefined or null reject with just that', async () => {
    expect(await rejection(guarded.execute(() => Promise.reject(undefined)))).toBeUndefined()
    expect(await rejection(guarded.execute(() => Promise.reject(null)))).toBeNull()
  })
})

describe('a fallback', () => {
  const failing = (): Promise<string> => Promise.reject(networkError('ECONNRESET'))

  it('answers for what failed, and is told why', async () => {
    const guarded = pipeline({
      name: 'polygon',
      fallback: { use: (error, { service }) => `${service}: ${String(error)}` },
    })
    expect(await guarded.execute(failing)).toBe('polygon: Error: connect ECONNRESET')
    expect(await guarded.execute(() => 'fine')).toBe('fine')
  })

  it('comes after the retries', async () => {
    const clock = new VirtualClock()
    const guarded = pipeline({ retry: retryNow, fallback: { use: async () => 'substitute' }, clock })
    const result = guarded.execute(failing)
    await clock.advance(299)
    expect(guarded.totals.retries).toBe(1)
    await clock.advance(1)
    expect(await result).toBe('substitute')
  })

  it('answers only for the errors that it is for', async () => {
    const guarded = pipeline({ fallback: { use: () => 'substitute', when: (error) => error instanceof RangeError } })
    expect(await guarded.execute(() => Promise.reject(new RangeError('out of range')))).toBe('substitute')
    expect(await rejection(guarded.execute(failing))).toMatchObject({ code: 'ECONNRESET' })
  })

  it('that fails too tells of both errors', async () => {
    const guarded = pipeline({ fallback: { use: () => Promise.reject(new Error('stale')) } })
    const error = await rejection(guarded.execute(failing))
    expect(error).toBeInstanceOf(AggregateError)
    expect(error).toMatchObject({ errors: [{ code: 'ECONNRESET' }, { message: 'stale' }] })
  })

  it('whose condition throws is not used, and that is reported', async () => {
    const { reports, onHookError } = collectReports()
    const when = (): never => {
      throw new Error('oops')
    }
    const guarded = pipeline({ fallback: { use: () => 'substitute', when }, onHookError })
    expect(await rejection(guarded.execute(failing))).toMatchObject({ code: 'ECONNRESET' })
    expect(reports).toMatchObject([[{ message: 'oops' }, 'fallback.when']])
  })
})
