/** What our own event loop does to measurements, and how it is told from what the services do. */
import { VirtualClock } from '@holdfast/testing'
import fc from 'fast-check'
import { CircuitBreaker, createResilience, pipeline } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { StallLog } from '../../src/pipeline/stall-log.ts'
import { rejection } from '../support.ts'

describe('the log of stalls', () => {
  it('counts a time in which several timers were late once', () => {
    const log = new StallLog()
    log.note(100, 120)
    expect(log.snapshot()).toEqual({ count: 0, totalMs: 0 })
    log.note(100, 500)
    log.note(200, 501)
    log.note(450, 502)
    expect(log.snapshot()).toEqual({ count: 1, totalMs: 402 })
    log.note(1_000, 1_100)
    expect(log.snapshot()).toEqual({ count: 2, totalMs: 502 })
  })

  it('never holds more time than has passed', () => {
    const timers = fc.array(fc.record({ due: fc.nat(1_000), lateMs: fc.nat(1_000) }), { maxLength: 30 })
    fc.assert(
      fc.property(timers, (late) => {
        const log = new StallLog()
        // In the order in which they fire, as a clock has it.
        const fired = late.map(({ due, lateMs }) => ({ due, at: due + lateMs })).sort((a, b) => a.at - b.at)
        for (const { due, at } of fired) log.note(due, at)
        const last = fired.at(-1)?.at ?? 0
        expect(log.totalMs).toBeLessThanOrEqual(last)
      }),
    )
  })
})

describe('a stall anywhere in an attempt', () => {
  const setUp = () => {
    const clock = new VirtualClock()
    const circuitBreaker = new CircuitBreaker('alpaca', { failureThreshold: 1, clock })
    const guarded = pipeline({ attemptTimeoutMs: 3_000, circuitBreaker, clock })
    const result = rejection(guarded.execute(() => new Promise(() => undefined)))
    return { clock, circuitBreaker, result }
  }

  it('of half of it makes its timeout prove nothing, though that comes on time', async () => {
    const { clock, circuitBreaker, result } = setUp()
    await clock.advance(500)
    clock.block(1_700)
    await clock.advance(800)
    expect(await result).toMatchObject({ code: 'HOLDFAST_TIMEOUT', timeoutMs: 3_000 })
    expect(clock.now()).toBe(3_000)
    expect(circuitBreaker.snapshot()).toMatchObject({ state: 'CLOSED', totals: { neutral: 1 } })
  })

  it('and many short ones do not: who is busy must still see that a service hangs', async () => {
    const { clock, circuitBreaker, result } = setUp()
    for (let tick = 0; tick < 30; tick++) {
      clock.block(40)
      await clock.advance(60)
    }
    await clock.advance(30)
    await result
    expect(circuitBreaker.state).toBe('OPEN')
  })

  it('is not made by a wall clock that steps', async () => {
    const { clock, circuitBreaker, result } = setUp()
    await clock.advance(500)
    clock.stepWallTime(-3_600_000)
    await clock.advance(2_500)
    await result
    expect(circuitBreaker.state).toBe('OPEN')
  })
})

describe('estimates', () => {
  it('leave out what lay across a stall', async () => {
    const clock = new VirtualClock()
    const resilience = createResilience({ clock, services: { ledger: { profile: 'INTERNAL' } } })
    const ledger = resilience.service('ledger')
    const answerAfter = (durationMs: number, timeoutMs: number): Promise<unknown> =>
      ledger.execute(() => new Promise<void>((resolve) => clock.setTimer(resolve, durationMs)), { timeoutMs })
    const calls = Array.from({ length: 8 }, () => answerAfter(1_000, 10_000))
    await clock.advance(100)
    clock.block(5_000)
    await clock.advance(100)
    await Promise.all(calls)
    expect(resilience.snapshot().stalls.count).toBeGreaterThan(0)
    expect(resilience.snapshot().stalls.totalMs).toBeGreaterThan(4_500)
    // If those five seconds were believed, half a second would be refused as too short.
    const quick = answerAfter(10, 500)
    await clock.advance(10)
    await quick
  })
})
