import { seededRandom } from '@holdfast/testing'
import fc from 'fast-check'
import type { Jitter } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { backoffDelayMs } from '../../src/retry/backoff.ts'

const backoff = (jitter: Jitter) => ({ baseDelayMs: 1_000, maxDelayMs: 60_000, jitter })
const delays = (jitter: Jitter, draw: number): number[] =>
  [1, 2, 3, 4, 5, 6, 7, 8].map((retry) => backoffDelayMs(backoff(jitter), retry, undefined, () => draw))

describe('the delay before a retry', () => {
  it('doubles from the base up to the maximum without jitter', () => {
    expect(delays('none', 0.5)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])
  })

  it('with full jitter lies anywhere between 0 and that', () => {
    expect(delays('full', 0)).toEqual([0, 0, 0, 0, 0, 0, 0, 0])
    expect(delays('full', 0.5)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
  })

  it('with equal jitter keeps half of it', () => {
    expect(delays('equal', 0)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
    expect(delays('equal', 0.5)).toEqual([750, 1_500, 3_000, 6_000, 12_000, 24_000, 45_000, 45_000])
  })

  it('with decorrelated jitter lies between the base and three times the one before', () => {
    const delay = (previous: number | undefined, draw: number): number =>
      backoffDelayMs(backoff('decorrelated'), 3, previous, () => draw)
    expect(delay(undefined, 0)).toBe(1_000)
    expect(delay(undefined, 0.5)).toBe(2_000)
    expect(delay(4_000, 0.5)).toBe(6_500)
    expect(delay(50_000, 0.99)).toBe(60_000)
  })

  it('is never negative, above the maximum, or no number, however late the retry', () => {
    fc.assert(
      fc.property(
        fc.record({
          baseDelayMs: fc.double({ min: 0, max: 2 ** 31 - 1, noNaN: true }),
          maxDelayMs: fc.double({ min: 0, max: 2 ** 31 - 1, noNaN: true }),
          jitter: fc.constantFrom<Jitter[]>('full', 'equal', 'decorrelated', 'none'),
        }),
        fc.integer({ min: 1, max: 10_000 }),
        fc.option(fc.double({ min: 0, max: 2 ** 31, noNaN: true }), { nil: undefined }),
        fc.nat(),
        (settings, retry, previous, seed) => {
          const delay = backoffDelayMs(settings, retry, previous, seededRandom(seed))
          expect(delay).toBeGreaterThanOrEqual(0)
          expect(delay).toBeLessThanOrEqual(settings.maxDelayMs)
        },
      ),
      {
        numRuns: 1_000,
        examples: [[{ baseDelayMs: 5e-324, maxDelayMs: 3.5e-323, jitter: 'equal' }, 4, undefined, 1790321638]],
      },
    )
  })
})
