import { getEventListeners } from 'node:events'
import { VirtualClock } from '@holdfast/testing'
import { Bulkhead, type Call, CircuitBreaker, pipeline, RateLimiter, TimeoutError } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { collectReports, deferred, networkError, rejection, statusError } from '../support.ts'

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

describe('time limits', () => {
  it('an attempt has its own, whether or not the function takes notice', async () => {
    const clock = new VirtualClock()
    const guarded = pipeline({ name: 'alpaca', attemptTimeoutMs: 1_000, clock })
    const result = rejection(guarded.execute(() => new Promise(() => undefined), { operation: 'getAccount' }))
    await clock.advance(1_000)
    expect(await result).toMatchObject({ scope: 'attempt', timeoutMs: 1_000, started: true, operation: 'getAccount' })
    expect(guarded.totals).toMatchObject({ failed: 1, timeouts: 1, inFlight: 0 })
  })

  it('the next attempt begins while the abandoned one still runs; what that does later changes nothing', async () => {
    const clock = new VirtualClock()
    const guarded = pipeline({ attemptTimeoutMs: 1_000, retry: retryNow, clock })
    const first = deferred<string>()
    const result = guarded.execute(({ attempt }) => (attempt === 1 ? first.promise : 'second'))
    await clock.advance(1_100)
    expect(await result).toBe('second')
    first.resolve('first')
    await clock.settle()
    expect(guarded.totals).toMatchObject({ succeeded: 1, failed: 0 })
  })

  it('an abandoned attempt that fails later fails in silence', async () => {
    const clock = new VirtualClock()
    const guarded = pipeline({ attemptTimeoutMs: 1_000, clock })
    const late = deferred()
    const result = rejection(guarded.execute(() => late.promise))
    await clock.advance(1_000)
    await result
    late.reject(new Error('too late to matter'))
    await clock.settle()
    expect(guarded.totals).toMatchObject({ failed: 1, inFlight: 0 })
  })

  it('the whole call has its own, queue and waits included', async () => {
    const clock = new VirtualClock()
    const guarded = pipeline({ timeoutMs: 1_000, retry: { ...retryNow, baseDelayMs: 600 }, clock })
    const result = rejection(guarded.execute(() => Promise.reject(statusError(429, 1_500))))
    await clock.runToRest()
    expect(await result).toMatchObject({ reason: 'deadline', retryAfterMs: 1_500, attempts: { length: 1 } })
  })

  it('leaves an equal share of the time to each attempt that is left', async () => {
    const clock = new VirtualClock()
    const retry = { maxRetries: 3, baseDelayMs: 600, jitter: 'none' } as const
    const guarded = pipeline({ timeoutMs: 1_000, retry, clock })
    const at: number[] = []
    const result = rejection(
      guarded.execute(() => {
        at.push(clock.now())
        throw networkError('ECONNRESET')
      }),
    )
    await clock.runToRest()
    expect(await result).toMatchObject({ reason: 'max-retries' })
    expect(at).toEqual([0, 250, 500, 750])
  })

  it('tells whether the function was ever started', async () => {
    const clock = new VirtualClock()
    const bulkhead = new Bulkhead({ maxConcurrent: 1, acquireTimeoutMs: 10_000, clock })
    bulkhead.tryEnter()
    const result = rejection(pipeline({ timeoutMs: 500, bulkhead, clock }).execute(() => 1))
    await clock.advance(500)
    const error = await result
    expect(error).toBeInstanceOf(TimeoutError)
    expect(error).toMatchObject({ scope: 'total', started: false })
    expect(String(error)).toContain('never started')
    expect(bulkhead.queued).toBe(0)
  })

  it('the caller may set that of one call', async () => {
    const clock = new VirtualClock()
    const guarded = pipeline({ timeoutMs: 10_000, clock })
    const result = rejection(guarded.execute(() => new Promise(() => undefined), { timeoutMs: 50 }))
    await clock.advance(50)
    expect(await result).toMatchObject({ scope: 'total', timeoutMs: 50 })
    expect(await rejection(guarded.execute(() => 1, { timeoutMs: Number.NaN }))).toMatchObject({ field: 'timeoutMs' })
  })

  it("does not outlive the caller's own deadline, which never lengthens it", async () => {
    const clock = new VirtualClock()
    const guarded = pipeline({ timeoutMs: 1_000, clock })
    const never = () => new Promise(() => undefined)
    const hurried = rejection(guarded.execute(never, { deadlineMs: 50 }))
    const patient = rejection(guarded.execute(never, { deadlineMs: 60_000 }))
    const shorter = rejection(guarded.execute(never, { deadlineMs: 60_000, timeoutMs: 200 }))
    await clock.advance(50)
    expect(await hurried).toMatchObject({ scope: 'total', timeoutMs: 50 })
    await clock.advance(150)
    expect(await shorter).toMatchObject({ scope: 'total', timeoutMs: 200 })
    await clock.advance(800)
    expect(await patient).toMatchObject({ scope: 'total', timeoutMs: 1_000 })
    expect(await rejection(guarded.execute(never, { deadlineMs: -1 }))).toMatchObject({ field: 'deadlineMs' })
  })

  it('says how much is left', async () => {
    const clock = new VirtualClock()
    const left: number[] = []
    const guarded = pipeline({ timeoutMs: 1_000, clock })
    const result = guarded.execute(async (call) => {
      left.push(call.remainingMs())
      await clock.advance(400)
      left.push(call.remainingMs())
    })
    await result
    expect(left).toEqual([1_000, 600])
    await pipeline({ clock }).execute((call) => expect(call.remainingMs()).toBe(Number.POSITIVE_INFINITY))
  })

  it('a stall of our own is nobody else’s fault: the answer that is there already is taken', async () => {
    const clock = new VirtualClock()
    const circuitBreaker = new CircuitBreaker('alpaca', { failureThreshold: 1, clock })
    const guarded = pipeline({ attemptTimeoutMs: 1_000, circuitBreaker, clock })
    const answer = deferred<string>()
    const result = guarded.execute(() => answer.promise)
    clock.block(5_000)
    const settling = clock.advance(10)
    answer.resolve('on time')
    await settling
    expect(await result).toBe('on time')
    expect(circuitBreaker.state).toBe('CLOSED')
  })

  it('after a stall the timeout comes a little later, and the circuit does not count it', async () => {
    const clock = new VirtualClock()
    const circuitBreaker = new CircuitBreaker('alpaca', { failureThreshold: 1, clock })
    const guarded = pipeline({ attemptTimeoutMs: 1_000, circuitBreaker, clock })
    const result = rejection(guarded.execute(() => new Promise(() => undefined)))
    clock.block(5_000)
    await clock.advance(20)
    expect(await result).toBeInstanceOf(TimeoutError)
    expect(circuitBreaker.snapshot()).toMatchObject({ state: 'CLOSED', totals: { failures: 0, neutral: 1 } })
  })

  it('an attempt that the whole call’s limit cut short says nothing about the service', async () => {
    const clock = new VirtualClock()
    const circuitBreaker = new CircuitBreaker('alpaca', { failureThreshold: 1, clock })
    const guarded = pipeline({ timeoutMs: 100, attemptTimeoutMs: 1_000, circuitBreaker, clock })
    const result = rejection(guarded.execute(() => new Promise(() => undefined)))
    await clock.advance(100)
    await result
    expect(circuitBreaker.snapshot().totals).toMatchObject({ failures: 0, neutral: 1 })
  })
})

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
