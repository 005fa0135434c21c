import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StreakEvidence } from '../../src/circuit-breaker/streak-evidence.ts'

/** A service that has long succeeded at this rate: as many successes between failures as that makes. */
function used(evidence: StreakEvidence, successesBetween: number): StreakEvidence {
  for (let call = 0; call < 1_000; call++) {
    if (call % (successesBetween + 1) === 0) evidence.failure(0)
    else evidence.success()
  }
  evidence.success()
  return evidence
}

describe('a streak of failures', () => {
  it('is proof at the threshold while the service is well, whatever the threshold', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), (threshold) => {
        const evidence = new StreakEvidence(threshold, 1e-6)
        const proven = Array.from({ length: threshold }, () => evidence.failure(0))
        expect(proven.indexOf(true)).toBe(threshold - 1)
      }),
    )
  })

  it('must be longer the more often the service fails anyway', () => {
    const needed = [1, 3, 9, 99].map((between) => used(new StreakEvidence(5, 1e-6), between).neededAt(0))
    // (1 − 1/2)^n ≤ 10^-6 at n = 20, and so on.
    expect(needed[0]).toBeGreaterThanOrEqual(19)
    expect(needed[0]).toBeLessThanOrEqual(22)
    expect(needed[1]).toBeGreaterThanOrEqual(10)
    expect(needed.slice(2)).toEqual([6, 5])
  })

  it('is never proof before the threshold and always rarer than was asked for', () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { maxLength: 300 }),
        fc.integer({ min: 1, max: 20 }),
        fc.constantFrom(1e-2, 1e-4, 1e-6, 1e-9),
        (outcomes, threshold, probability) => {
          const evidence = new StreakEvidence(threshold, probability)
          let streak = 0
          for (const isGood of outcomes) {
            const { usualSuccessRate } = evidence
            if (isGood) {
              evidence.success()
              streak = 0
              continue
            }
            streak++
            const isProven = evidence.failure(0)
            expect(evidence.streak).toBe(streak)
            expect(evidence.usualSuccessRate).toBe(usualSuccessRate)
            const asked = Math.max(probability, 0.01 ** threshold)
            expect(isProven).toBe(streak >= threshold && (1 - usualSuccessRate) ** streak <= asked * (1 + 1e-6))
          }
        },
      ),
    )
  })

  it('of half the length is proof for twenty successes after an outage, and for as long as that lasted', () => {
    const evidence = new StreakEvidence(10, 1e-6)
    evidence.recovered(1_000, 5_000)
    expect(evidence.neededAt(1_000)).toBe(5)
    for (let success = 0; success < 19; success++) evidence.success()
    expect(evidence.neededAt(60_000)).toBe(5)
    evidence.success()
    expect(evidence.neededAt(5_999)).toBe(5)
    expect(evidence.neededAt(6_000)).toBe(10)
    expect(Array.from({ length: 5 }, () => evidence.failure(5_000))).toEqual([false, false, false, false, true])
  })

  it('is never judged more mildly after an outage than before', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 }),
        fc.array(fc.boolean(), { maxLength: 200 }),
        (threshold, outcomes) => {
          const evidence = new StreakEvidence(threshold, 1e-6)
          for (const isGood of outcomes) {
            if (isGood) evidence.success()
            else evidence.failure(0)
          }
          evidence.success()
          const before = evidence.neededAt(0)
          evidence.recovered(0, 1_000)
          expect(evidence.neededAt(0)).toBeLessThanOrEqual(before)
          expect(evidence.neededAt(0)).toBeGreaterThanOrEqual(Math.ceil(threshold / 2))
        },
      ),
    )
  })

  it('is counted alone with a probability of 1, as the classic circuit breaker does', () => {
    const evidence = used(new StreakEvidence(5, 1), 1)
    expect([1, 2, 3, 4, 5].map(() => evidence.failure(0))).toEqual([false, false, false, false, true])
  })
})
