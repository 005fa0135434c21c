import { constant, FaultInjector, seededRandom, uniform, VirtualClock } from '@holdfast/testing'
import { pipeline } from 'holdfast'
import { describe, expect, it } from 'vitest'

const answer = (): string => 'answer'

describe('a fault injector', () => {
  it('throws, answers, waits and hangs in the place of the function, and counts it', async () => {
    const clock = new VirtualClock()
    const guarded = pipeline({ clock, attemptTimeoutMs: 1_000 })
    const into = (faults: FaultInjector<unknown>): Promise<unknown> =>
      guarded.execute(faults.into(answer)).catch((error) => error)
    const error = new Error('socket hang up')
    expect(await into(new FaultInjector([{ error: () => error }], { clock }))).toBe(error)
    expect(await into(new FaultInjector([{ result: () => 503 }], { clock }))).toBe(503)
    const slow = new FaultInjector([{ latencyMs: 300 }, { latencyMs: constant(200) }], { clock })
    const hanging = new FaultInjector([{ hang: true }], { clock })
    const answers = Promise.all([into(slow), into(hanging)])
    await clock.advance(500)
    expect([slow.injected, hanging.injected]).toEqual([2, 1])
    await clock.advance(500)
    expect(await answers).toEqual(['answer', expect.objectContaining({ code: 'HOLDFAST_TIMEOUT' })])
    await clock.runToRest()
    expect(clock.pendingTimers).toBe(0)
  })

  it('strikes by rate, time and predicate, and not while it is switched off', async () => {
    const clock = new VirtualClock()
    const faults = new FaultInjector(
      [{ rate: 0.3, fromMs: 100, toMs: 200, when: ({ operation }) => operation === 'orders', error: () => 'fault' }],
      { clock, random: seededRandom(1) },
    )
    const guarded = pipeline({ clock })
    const struck = async (operation: string): Promise<number> => {
      const before = faults.injected
      for (let call = 0; call < 100; call++)
        await guarded.execute(faults.into(answer), { operation }).catch(() => undefined)
      return faults.injected - before
    }
    expect(await struck('orders')).toBe(0)
    await clock.advance(100)
    expect(await struck('quotes')).toBe(0)
    const some = await struck('orders')
    expect(some).toBeGreaterThan(15)
    expect(some).toBeLessThan(45)
    faults.enabled = false
    expect(await struck('orders')).toBe(0)
    faults.enabled = true
    await clock.advance(100)
    expect(await struck('orders')).toBe(0)
  })

  it('leaves the type of the answer as it is, but for what it answers itself', async () => {
    const account = { cash: 5 }
    const late = new FaultInjector([{ rate: 0, latencyMs: 5 }])
    const cash: number = (await pipeline({}).execute(late.into(() => Promise.resolve(account)))).cash
    const answering = new FaultInjector([{ rate: 0, result: () => 'no account' }])
    const either: { cash: number } | string = await pipeline({}).execute(answering.into(() => account))
    expect([cash, either]).toEqual([5, account])
  })

  it.each([
    [{ rate: 2, hang: true }, 'injections.0.rate is 2: it must be a number from 0 to 1'],
    [{ fromMs: 9, toMs: 5, hang: true }, 'injections.0.toMs is 5: it must be a number from 9'],
    [{ latencyMs: Number.NaN }, 'injections.0.latencyMs is NaN: it must be a number from 0'],
    [
      { latencyMs: 5, error: () => 'x' },
      'injections.0 is "latencyMs and error": it must have one of latencyMs, error,',
    ],
  ] as const)('refuses %o, which makes no sense', (injection, message) => {
    expect(() => new FaultInjector([injection])).toThrow(message)
  })

  it('refuses an injection that does nothing', () => {
    expect(() => new FaultInjector(JSON.parse('[{"rate":0.5}]'))).toThrow(
      'it must have one of latencyMs, error, result',
    )
  })
})

describe('distributions', () => {
  it('draw what they say', () => {
    const random = seededRandom(1)
    const values = Array.from({ length: 1_000 }, () => uniform(10, 20)(random))
    expect(Math.min(...values)).toBeGreaterThanOrEqual(10)
    expect(Math.max(...values)).toBeLessThan(20)
  })
})
