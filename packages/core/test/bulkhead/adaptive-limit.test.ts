import { seededRandom } from '@holdfast/testing'
import fc from 'fast-check'
import { AdaptiveLimit, type AdaptiveLimitOptions } from 'holdfast'
import { describe, expect, it } from 'vitest'

/**
 * A service that works on `capacity` calls at once, 50 ms each, and queues the rest; clients who always have `demand` calls
 * ready, as far as the limit lets them.
 */
function drive(
  options: AdaptiveLimitOptions,
  service: { capacity: number; demand: number; seconds?: number; quietFirst?: boolean },
): AdaptiveLimit {
  const limit = new AdaptiveLimit(options)
  const random = seededRandom(5)
  const { capacity, demand, seconds = 120, quietFirst = true } = service
  let now = 0
  while (now < seconds * 1_000) {
    const wanted = quietFirst && now < 10_000 ? Math.min(demand, 3) : demand
    const inFlight = Math.max(1, Math.min(limit.limit, wanted))
    const durationMs = (50 + 10 * random()) * Math.max(1, inFlight / capacity)
    now += (50 + 10 * random()) / Math.min(inFlight, capacity)
    limit.observe({ durationMs, inFlight, isDropped: false }, now)
  }
  return limit
}

describe('an adaptive limit', () => {
  it.each(['gradient', 'aimd'] as const)('(%s) stays within its bounds whatever it is shown', (algorithm) => {
    const sample = fc.record({
      durationMs: fc.double({ min: 0.01, max: 1e5, noNaN: true }),
      inFlight: fc.integer({ min: 1, max: 500 }),
      isDropped: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 300 }), fc.integer({ min: 1, max: 30 }), (samples, minLimit) => {
        const limit = new AdaptiveLimit({ algorithm, minLimit, maxLimit: 60, initialLimit: 20 })
        let now = 0
        for (const each of samples) {
          now += 40
          limit.observe(each, now)
          expect(limit.limit).toBeGreaterThanOrEqual(minLimit)
          expect(limit.limit).toBeLessThanOrEqual(60)
          expect(Number.isInteger(limit.limit)).toBe(true)
        }
      }),
    )
  })

  it('rises while more calls at once bring more', () => {
    expect(drive({}, { capacity: 100, demand: 80 }).limit).toBeGreaterThan(50)
  })

  it('settles near what the service can work on at once', () => {
    const { limit } = drive({ initialLimit: 100 }, { capacity: 20, demand: 200 })
    expect(limit).toBeGreaterThanOrEqual(15)
    expect(limit).toBeLessThan(50)
  })

  it('does not drift up when overload is all that it has ever seen', () => {
    const { limit } = drive({ initialLimit: 40 }, { capacity: 10, demand: 200, quietFirst: false, seconds: 600 })
    expect(limit).toBeLessThan(60)
  })

  it('does not rise while it is not used', () => {
    expect(drive({ initialLimit: 20 }, { capacity: 100, demand: 4 }).limit).toBe(20)
  })

  it('falls when calls are dropped, a tenth at a time', () => {
    const limit = new AdaptiveLimit({ algorithm: 'aimd', initialLimit: 100 })
    limit.observe({ durationMs: 10, inFlight: 50, isDropped: true }, 0)
    expect(limit.limit).toBe(90)
    for (let success = 0; success < 200; success++) limit.observe({ durationMs: 10, inFlight: 90, isDropped: false }, 0)
    expect(limit.limit).toBeGreaterThanOrEqual(91)
  })
})
