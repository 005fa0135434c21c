import { VirtualClock } from '@holdfast/testing'
import fc from 'fast-check'
import { InvalidOptionError, LastGood } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { networkError, rejection } from '../support.ts'

const down = (): Promise<never> => Promise.reject(networkError('ECONNREFUSED'))

describe('the last good value', () => {
  it('stands in for one that cannot be read, and says how old it is and why', async () => {
    const clock = new VirtualClock()
    const bars = new LastGood<string>({ maxAgeMs: 60_000, clock })
    expect(await bars.read('AAPL', () => 'bars')).toEqual({ value: 'bars', ageMs: 0, error: undefined })
    await clock.advance(40_000)
    expect(await bars.read('AAPL', down)).toMatchObject({
      value: 'bars',
      ageMs: 40_000,
      error: { code: 'ECONNREFUSED' },
    })
    await clock.advance(20_001)
    expect(await rejection(bars.read('AAPL', down))).toMatchObject({ code: 'ECONNREFUSED' })
    expect(await rejection(bars.read('MSFT', down))).toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('is kept for so many keys, those used last', async () => {
    const values = new LastGood<number>({ maxAgeMs: 1_000, maxEntries: 2, clock: new VirtualClock() })
    await values.read('A', () => 1)
    await values.read('B', () => 2)
    await values.read('A', down)
    await values.read('C', () => 3)
    expect(values.size).toBe(2)
    expect((await values.read('A', down)).value).toBe(1)
    await rejection(values.read('B', down))
  })

  it('is never older than maxAgeMs, never another key’s, and never one of too many', async () => {
    const step = fc.record({
      key: fc.constantFrom('A', 'B', 'C', 'D'),
      isGood: fc.boolean(),
      waitMs: fc.constantFrom(0, 1, 100, 500, 501),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 3 }), async (steps, maxEntries) => {
        const clock = new VirtualClock()
        const values = new LastGood<string>({ maxAgeMs: 500, maxEntries, clock })
        const readAt = new Map<string, number>()
        for (const { key, isGood, waitMs } of steps) {
          await clock.advance(waitMs)
          if (isGood) {
            await values.read(key, () => `${key} at ${clock.now()}`)
            readAt.set(key, clock.now())
          } else {
            const reading = await values.read(key, down).catch(() => undefined)
            if (reading === undefined) continue
            expect(reading.value).toBe(`${key} at ${readAt.get(key)}`)
            expect(reading.ageMs).toBe(clock.now() - (readAt.get(key) ?? Number.NaN))
            expect(reading.ageMs).toBeLessThanOrEqual(500)
          }
          expect(values.size).toBeLessThanOrEqual(maxEntries)
        }
      }),
    )
  })

  it('is checked when it is made', () => {
    expect(() => new LastGood({ maxAgeMs: 0 })).toThrow(InvalidOptionError)
  })
})
