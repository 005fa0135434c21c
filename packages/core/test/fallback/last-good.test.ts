import { VirtualClock } from '@holdfast/testing'
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

  it('is checked when it is made', () => {
    expect(() => new LastGood({ maxAgeMs: 0 })).toThrow(InvalidOptionError)
  })
})
