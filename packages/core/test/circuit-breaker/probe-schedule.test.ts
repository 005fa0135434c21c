import { seededRandom } from '@holdfast/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProbeSchedule } from '../../src/circuit-breaker/probe-schedule.ts'

const pacing = { recoveryTimeoutMs: 15_000, minProbeIntervalMs: 250, probeShare: 0.04 }
const middle = (): number => 0.5

/** A schedule that has seen calls at this rate until `now`, and opens then. */
function opened(callsPerSecond: number, now = 60_000, random = middle): ProbeSchedule {
  const schedule = new ProbeSchedule(pacing, random)
  const gap = 1_000 / callsPerSecond
  for (let at = now - 500 * gap; at <= now; at += gap) schedule.called(at)
  schedule.opened(now, undefined)
  return schedule
}

describe('the schedule of probes', () => {
  it.each([
    [1_000, 250],
    [100, 250],
    [50, 500],
    [5, 5_000],
    [0.1, 15_000],
  ])('at %d calls a second waits %d ms: four percent of demand, within its bounds', (callsPerSecond, waitMs) => {
    expect(opened(callsPerSecond).nextAt).toBeCloseTo(60_000 + waitMs, -1)
  })

  it('varies by a quarter to either side, and never exceeds recoveryTimeoutMs', () => {
    fc.assert(
      fc.property(fc.integer(), fc.double({ min: 0.1, max: 1_000, noNaN: true }), (seed, callsPerSecond) => {
        const wait = opened(callsPerSecond, 60_000, seededRandom(seed)).nextAt - 60_000
        expect(wait).toBeGreaterThanOrEqual(0.75 * 250 - 1)
        expect(wait).toBeLessThanOrEqual(15_000)
      }),
    )
  })

  it('waits exactly recoveryTimeoutMs without a share', () => {
    const schedule = new ProbeSchedule({ ...pacing, probeShare: undefined }, middle)
    schedule.opened(1_000, undefined)
    expect(schedule.nextAt).toBe(16_000)
  })

  it('waits longer the longer the outage lasts: a five-hundredth of its age', () => {
    const schedule = opened(1_000)
    schedule.failed(60_000 + 600_000, undefined)
    expect(schedule.nextAt).toBe(60_000 + 600_000 + 1_200)
    schedule.failed(60_000 + 86_400_000, undefined)
    expect(schedule.nextAt).toBe(60_000 + 86_400_000 + 15_000)
  })

  it('forgets the age only after the circuit has been closed as long as it was open', () => {
    const schedule = opened(1_000)
    schedule.failed(660_000, undefined)
    schedule.closed(660_000)
    schedule.opened(700_000, undefined)
    expect(schedule.nextAt).toBe(700_000 + 1_200)
    schedule.closed(700_000)
    schedule.opened(2_000_000, undefined)
    expect(schedule.nextAt).toBe(2_000_000 + 250)
  })

  it('obeys the time that the service names, up to an hour', () => {
    const schedule = opened(1_000)
    schedule.failed(61_000, 20_000)
    expect(schedule.nextAt).toBe(81_000)
    schedule.failed(81_000, 86_400_000)
    expect(schedule.nextAt).toBe(81_000 + 3_600_000)
  })
})
