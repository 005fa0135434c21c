/** The measurement of a fleet is run once, shortly: that everybody does what is measured. Time is not looked at. */
import { describe, expect, it } from 'vitest'
import { CONTESTANTS } from '../fleet/contestants.ts'
import { measureFleet } from '../fleet/main.ts'
import { page } from '../fleet/report.ts'

const SIZES_TRIED = [
  { processes: 2, limits: 1 },
  { processes: 2, limits: 0, clients: { known: 1_000, callsPerSecond: 100 } },
]

describe('npm run bench -- fleet', { timeout: 180_000 }, () => {
  it('measures everybody, finds nothing over the limit, and says which targets are met', async () => {
    const result = await measureFleet(
      { turns: { rounds: 2, turnMs: 60 }, promiseMs: 1_000, circuitRounds: 1, sizes: SIZES_TRIED, sizeMs: 500 },
      undefined,
    )
    expect(result.rows.map(({ name }) => name)).toEqual(CONTESTANTS.map(({ name }) => name))
    for (const { hot, cold } of result.rows) {
      expect(hot.decisionsPerSecond).toBeGreaterThan(0)
      expect(cold.decisionsPerSecond).toBeGreaterThan(0)
    }
    expect(result.promise.admitted).toBeGreaterThan(0)
    expect(result.promise.overAdmission).toBe(0)
    const text = page(result)
    expect(text).toContain('| **holdfast** |')
    expect(text).toMatch(/^\| 2 \| 1 \| \d+ \| \d+ \| \d+\.\d %/m)
    expect(text).toMatch(/^\| 2 \| 1,000 \| 100 \| 1\d\d \| /m)
    const [limit] = result.capacities
    expect(limit?.real.questionsPerSecond).toBeGreaterThan(0)
    expect(text).toMatch(/rate-limiter-flexible, \d+\.\d+\.\d+/)
    expect(text).toMatch(/over-admission, 8 processes.* \| met \|/)
  })
})
