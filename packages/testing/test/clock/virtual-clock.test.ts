import { seededRandom, VirtualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'

describe('the virtual clock', () => {
  it('stands still until it is moved', async () => {
    const clock = new VirtualClock()
    expect([clock.now(), new Date(clock.wallTime()).toISOString()]).toEqual([0, '2026-01-05T14:30:00.000Z'])
    await clock.advance(1_500)
    expect([clock.now(), new Date(clock.wallTime()).toISOString()]).toEqual([1_500, '2026-01-05T14:30:01.500Z'])
  })

  it('runs timers when they are due, in order, with promises settled in between', async () => {
    const clock = new VirtualClock()
    const order: string[] = []
    clock.setTimer(() => order.push(`late at ${clock.now()}`), 200)
    clock.setTimer(() => {
      order.push(`early at ${clock.now()}`)
      void Promise.resolve().then(() => order.push('promise'))
      clock.setTimer(() => order.push(`nested at ${clock.now()}`), 50)
    }, 100)
    const cancelled = clock.setTimer(() => order.push('cancelled'), 150)
    cancelled.cancel()
    await clock.advance(199)
    expect(order).toEqual(['early at 100', 'promise', 'nested at 150'])
    await clock.advance(1)
    expect(order.at(-1)).toBe('late at 200')
    expect(clock.pendingTimers).toBe(0)
  })

  it('makes timers late when it blocks', async () => {
    const clock = new VirtualClock()
    let ranAt = 0
    clock.setTimer(() => {
      ranAt = clock.now()
    }, 100)
    clock.block(500)
    await clock.advance(0)
    expect(ranAt).toBe(500)
  })

  it('runs to rest, leaving alone what keeps no process alive', async () => {
    const clock = new VirtualClock({ now: 50 })
    clock.setTimer(() => clock.setTimer(() => undefined, 300), 700)
    clock.setTimer(() => undefined, 5_000, false)
    expect(await clock.runToRest()).toBe(1_000)
    expect([clock.pendingTimers, clock.pendingTimersThatKeepAlive]).toEqual([1, 0])
    const again = (): void => {
      clock.setTimer(again, 1_000)
    }
    again()
    await expect(clock.runToRest(10_000)).rejects.toThrow('timers still wait')
  })

  it('refuses to be moved by what is no duration, instead of running everything that waits', async () => {
    const clock = new VirtualClock()
    let ran = 0
    clock.setTimer(() => ran++, 1_000)
    await expect(clock.advance(Number.NaN)).rejects.toThrow('durationMs is NaN: it must be a number from 0')
    await expect(clock.advance(-1)).rejects.toThrow('durationMs is -1')
    expect(() => clock.block(-1)).toThrow('durationMs is -1')
    expect(() => clock.setTimer(() => ran++, Number.NaN)).toThrow('delayMs is NaN')
    expect([ran, clock.now(), clock.pendingTimers]).toEqual([0, 0, 1])
  })

  it('steps the wall clock alone', () => {
    const clock = new VirtualClock({ now: 7, wallTime: 1_000 })
    clock.stepWallTime(-400)
    expect([clock.now(), clock.wallTime()]).toEqual([7, 600])
  })
})

describe('seeded randomness', () => {
  it('is the same for the same seed, in [0, 1), and spread evenly', () => {
    const draw = (seed: number): number[] => Array.from({ length: 10_000 }, seededRandom(seed))
    expect(draw(1)).toEqual(draw(1))
    expect(draw(1)).not.toEqual(draw(2))
    const values = draw(3)
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...values)).toBeLessThan(1)
    expect(values.reduce((sum, value) => sum + value, 0) / values.length).toBeCloseTo(0.5, 1)
  })
})
