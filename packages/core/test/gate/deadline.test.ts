import { VirtualClock } from '@holdfast/testing'
import { Bulkhead, CircuitBreaker, DeadlineTooShortError, isRejection, pipeline, RateLimiter } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { deferred, rejection } from '../support.ts'

/** A service whose calls take `tookMs`, as its gate has learnt. */
async function serviceThatTakes(tookMs: number, options: { maxConcurrent?: number; tokensPerSecond?: number } = {}) {
  const clock = new VirtualClock()
  const bulkhead = new Bulkhead({ maxConcurrent: options.maxConcurrent ?? 1, acquireTimeoutMs: 60_000, clock })
  const { tokensPerSecond = 1_000 } = options
  const rateLimiter = new RateLimiter({ tokensPerSecond, burstSize: 20, clock })
  const service = pipeline({ timeoutMs: 60_000, bulkhead, rateLimiter, clock })
  const call = (ms = tookMs, timeoutMs = 60_000, operation?: string): Promise<unknown> =>
    service.execute(() => new Promise<void>((resolve) => void clock.setTimer(resolve, ms)), { timeoutMs, operation })
  for (let sample = 0; sample < 12; sample++) {
    const sampled = call()
    await clock.advance(tookMs)
    await sampled
  }
  return { clock, bulkhead, rateLimiter, service, call }
}

describe('a deadline at the gate', () => {
  it('refuses at once who could not be answered before it, as long as calls take now', async () => {
    const { call, rateLimiter, bulkhead } = await serviceThatTakes(100)
    const before = [rateLimiter.snapshot().totals.admitted, bulkhead.snapshot().totals.admitted]
    const refusal = await rejection(call(100, 99))
    expect(refusal).toBeInstanceOf(DeadlineTooShortError)
    expect(isRejection(refusal)).toBe(true)
    expect(String(refusal)).toContain('would wait about 0 ms and run for about 100 ms, and 99 ms are left')
    expect([rateLimiter.snapshot().totals.admitted, bulkhead.snapshot().totals.admitted]).toEqual(before)
  })

  it('judges an operation by its own calls', async () => {
    const { clock, call } = await serviceThatTakes(100)
    for (let sample = 0; sample < 8; sample++) {
      const sampled = call(5, 60_000, 'getQuote')
      await clock.advance(5)
      await sampled
    }
    const quick = call(5, 50, 'getQuote')
    await clock.advance(5)
    await quick
  })

  it('forgets what nothing has confirmed, so that a recovered service is found', async () => {
    const { clock, call } = await serviceThatTakes(100)
    await clock.advance(1_001)
    const quick = call(1, 50)
    await clock.advance(1)
    await quick
  })

  it('refuses on arrival who would wait too long for a slot to be answered in time', async () => {
    const { clock, call } = await serviceThatTakes(100)
    const running = call()
    const second = call(100, 1_000)
    // Two times 100 ms until it has the slot, and 100 to 300 ms to run.
    const refusal = await rejection(call(100, 220))
    expect(refusal).toBeInstanceOf(DeadlineTooShortError)
    expect(refusal).toMatchObject({ retryAfterMs: 200 })
    await clock.advance(200)
    await Promise.all([running, second])
  })

  it('refuses on arrival who would wait too long for tokens to be answered in time', async () => {
    const { clock, call, rateLimiter } = await serviceThatTakes(50, { tokensPerSecond: 10, maxConcurrent: 20 })
    while (rateLimiter.tryAcquire().allowed);
    const patient = call(50, 1_000)
    expect(await rejection(call(50, 220))).toBeInstanceOf(DeadlineTooShortError)
    // Without any time to run it would not be in time either.
    expect(await rejection(call(50, 120))).toMatchObject({ code: 'HOLDFAST_RATE_LIMITED' })
    await clock.advance(150)
    await patient
  })

  it('ends a wait when the rest of the time is no longer enough, not when it is over', async () => {
    const { clock, call, bulkhead } = await serviceThatTakes(100)
    // It holds the slot far longer than calls usually do.
    const stuck = call(5_000)
    let ended = Number.NaN
    const waiting = rejection(call(100, 1_000)).then((refusal) => {
      ended = clock.now()
      return refusal
    })
    const begun = clock.now()
    await clock.advance(1_000)
    expect(await waiting).toBeInstanceOf(DeadlineTooShortError)
    expect(ended - begun).toBeGreaterThan(600)
    expect(ended - begun).toBeLessThanOrEqual(900)
    expect(bulkhead.queued).toBe(0)
    await clock.advance(5_000)
    await stuck
  })

  it('lets nobody join who would wait behind calls that do not succeed, but who is critical', async () => {
    const { clock, call, service } = await serviceThatTakes(10, { maxConcurrent: 4 })
    const hanging = Array.from({ length: 4 }, () => call(5_000))
    const early = call(10, 20_000)
    // Fifteen milliseconds of four calls that take ten: six answers are missing, which may be chance.
    await clock.advance(30)
    const patient = call(10, 20_000)
    await clock.advance(30)
    const refusal = await rejection(call(10, 20_000))
    expect(refusal).toMatchObject({ code: 'HOLDFAST_BULKHEAD_FULL' })
    expect(String(refusal)).toMatch(/all 4 are taken, and no call has succeeded for 60 ms, where nearly all take less/)
    const urgent = service.execute(() => 'cancelled', { priority: 'critical', timeoutMs: 20_000 })
    await clock.advance(10_000)
    await Promise.all([...hanging, early, patient, urgent])
    expect(await urgent).toBe('cancelled')
  })

  it('takes what an answer leaves free for a sign of life, but not what a failure does', async () => {
    const { clock, call, service } = await serviceThatTakes(10, { maxConcurrent: 4 })
    const reset = new Promise((_, reject) => void clock.setTimer(() => reject(new Error('socket hang up')), 100))
    const failing = rejection(service.execute(() => reset, { timeoutMs: 20_000 }))
    const hanging = Array.from({ length: 3 }, () => call(5_000))
    const waiting = [call(50, 20_000), call(50, 20_000)]
    await clock.advance(110)
    // The first of those who wait has the slot.
    expect(await failing).toMatchObject({ message: 'socket hang up' })
    expect(await rejection(call(10, 20_000))).toMatchObject({ code: 'HOLDFAST_BULKHEAD_FULL' })
    await clock.advance(45)
    const welcome = call(10, 20_000)
    await clock.advance(10_000)
    await Promise.all([...hanging, ...waiting, welcome])
  })

  it('learns from calls that were given up that they would have taken longer', async () => {
    const { clock, call } = await serviceThatTakes(100, { maxConcurrent: 20 })
    const before = call(100, 150)
    await clock.advance(100)
    await before
    for (let sample = 0; sample < 10; sample++) {
      const given = rejection(call(10_000, 500))
      await clock.advance(500)
      expect(await given).toMatchObject({ code: 'HOLDFAST_TIMEOUT' })
    }
    expect(await rejection(call(100, 150))).toBeInstanceOf(DeadlineTooShortError)
  })
})

describe('a gate whose guards have changed their minds', () => {
  it('has those who wait ask again: who is refused leaves, the others keep their places and their time', async () => {
    const clock = new VirtualClock()
    const bulkhead = new Bulkhead({ maxConcurrent: 1, acquireTimeoutMs: 1_000, clock })
    const [tripped, closed] = ['alpaca', 'polygon'].map((name) => new CircuitBreaker(name, { clock }))
    const [one, other] = [tripped, closed].map((circuitBreaker) => pipeline({ circuitBreaker, bulkhead, clock }))
    const order: string[] = []
    const first = deferred()
    void bulkhead.execute(() => first.promise)
    const refused = rejection(one?.execute(() => void order.push('refused')) ?? first.promise)
    const patient = other?.execute(() => void order.push('patient'))
    const impatient = rejection(other?.execute(() => new Promise(() => {})) ?? first.promise)
    await clock.advance(500)
    tripped?.trip()
    bulkhead.gate.recheck()
    expect(await refused).toMatchObject({ code: 'HOLDFAST_CIRCUIT_OPEN' })
    expect(bulkhead.queued).toBe(2)
    await clock.advance(499)
    first.resolve()
    await patient
    expect(order).toEqual(['patient'])
    expect(tripped?.snapshot().totals).toMatchObject({ refused: 1 })
    void impatient
  })
})
