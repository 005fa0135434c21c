import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Demand } from '../../src/circuit-breaker/demand.ts'

describe('demand', () => {
  it('is the mean of the last ten seconds, within a tenth, of calls that come evenly', () => {
    fc.assert(
      fc.property(fc.integer({ min: 5, max: 500 }), fc.integer({ min: 20_000, max: 60_000 }), (gapMs, until) => {
        const demand = new Demand()
        let now = 0
        for (; now <= until; now += gapMs) demand.called(now)
        const measured = demand.gapMs(now)
        expect(measured).toBeGreaterThan(0.9 * gapMs)
        expect(measured).toBeLessThan(1.1 * gapMs)
      }),
    )
  })

  it('of a burst is that of ten seconds, however quick it is', () => {
    const demand = new Demand()
    for (let call = 0; call < 20; call++) demand.called(1_000)
    expect(demand.gapMs(1_000)).toBe(500)
  })

  it('falls when nobody calls any more, and is none in the end', () => {
    const demand = new Demand()
    for (let now = 0; now < 10_000; now += 100) demand.called(now)
    expect(demand.gapMs(15_000)).toBeCloseTo(200, 0)
    expect(demand.gapMs(40_000)).toBe(Number.POSITIVE_INFINITY)
  })
})
