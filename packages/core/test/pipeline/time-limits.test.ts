import { VirtualClock } from '@holdfast/testing'
import { Bulkhead, CircuitBreaker, pipeline, TimeoutError } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { deferred, networkError, rejection, statusError } from '../support.ts'

const retryNow = { maxRetries: 2, baseDelayMs: 100, jitter: 'none' } as const

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

  it('says so too when that is taken out of the call', async () => {
    const clock = new VirtualClock()
    const limited = pipeline({ timeoutMs: 1_000, clock })
    expect(await limited.execute(({ remainingMs }) => remainingMs())).toBe(1_000)
    expect(await pipeline({ clock }).execute(({ remainingMs }) => remainingMs())).toBe(Number.POSITIVE_INFINITY)
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
