import { seededRandom } from '@holdfast/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProbeSchedule } from '../../src/circuit-breaker/probe-schedule.ts'

const pacing = { recoveryTimeoutMs: 15_000, minProbeIntervalMs: 250, probeShare: 0.04 }
const middle = (): number => 0.5

/** A schedule that has seen calls at this rate for half a minute until `now`, and opens then. */
function opened(callsPerSecond: number, now = 60_000, random = middle): ProbeSchedule {
  const schedule = new ProbeSchedule(pacing, random)
  const gap = 1_000 / callsPerSecond
  for (let at = now - 30_000; at <= now; at += gap) schedule.called(at)
  schedule.opened(now, undefined)
  return schedule
}

/** The same at a later time, with a probe that is sent then: how long until the next one is due. */
function waitAfterProbe(callsPerSecond: number, ageMs: number): number {
  const schedule = opened(callsPerSecond)
  const gap = 1_000 / callsPerSecond
  for (let at = Math.max(60_000 + gap, 60_000 + ageMs - 30_000); at <= 60_000 + ageMs; at += gap) schedule.called(at)
  schedule.sent(60_000 + ageMs)
  schedule.failed(60_000 + ageMs, undefined)
  return schedule.nextAt(60_000 + ageMs) - 60_000 - ageMs
}

describe('the schedule of probes', () => {
  it.each([
    [1_000, 250],
    [50, 500],
    [5, 5_000],
    [0.1, 15_000],
  ])('at %d calls a second waits %d ms: four percent of demand, within its bounds', (callsPerSecond, waitMs) => {
    const wait = waitAfterProbe(callsPerSecond, 4_000)
    expect(wait).toBeGreaterThanOrEqual(0.95 * waitMs)
    expect(wait).toBeLessThanOrEqual(1.05 * waitMs)
  })

  it('sends the first probe of an outage four times sooner, and those of its first three seconds half as many again', () => {
    expect(opened(10).nextAt(60_000) - 60_000).toBeCloseTo(2_500 / 4, -2)
    expect(waitAfterProbe(10, 2_900)).toBeCloseTo(2_500 / 1.5, -2)
    expect(waitAfterProbe(10, 3_000)).toBeCloseTo(2_500, -2)
  })

  it('takes a burst after a quiet time for what it is: few calls, and so waits the whole recoveryTimeoutMs', () => {
    const schedule = new ProbeSchedule(pacing, middle)
    for (let call = 0; call < 4; call++) schedule.called(60_000)
    schedule.opened(60_000, undefined)
    expect(schedule.nextAt(60_000)).toBe(75_000)
  })

  it('comes sooner when it turns out that more is asked for, but not before the service wants it', () => {
    const schedule = new ProbeSchedule(pacing, middle)
    schedule.called(60_000)
    schedule.opened(60_000, undefined)
    expect(schedule.nextAt(60_000)).toBe(75_000)
    for (let call = 0; call < 49; call++) schedule.called(61_000)
    // Fifty calls in ten seconds, a probe for every 25th, and the first four times sooner.
    expect(schedule.nextAt(61_000)).toBe(60_000 + (200 * 25) / 4)
    schedule.failed(62_000, 9_000)
    expect(schedule.nextAt(62_000)).toBe(71_000)
  })

  it('varies by a quarter to either side, and never exceeds recoveryTimeoutMs', () => {
    fc.assert(
      fc.property(fc.integer(), fc.double({ min: 0.1, max: 1_000, noNaN: true }), (seed, callsPerSecond) => {
        const wait = opened(callsPerSecond, 60_000, seededRandom(seed)).nextAt(60_000) - 60_000
        expect(wait).toBeGreaterThanOrEqual(0.75 * 250 - 1)
        expect(wait).toBeLessThanOrEqual(15_000)
      }),
      { numRuns: 40 },
    )
  })

  it('sends no more than its share of what is asked for, jitter included, once an outage is no longer young', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.double({ min: 0.5, max: 400, noNaN: true }),
        fc.integer({ min: 10, max: 120 }),
        (seed, callsPerSecond, seconds) => {
          const schedule = opened(callsPerSecond, 60_000, seededRandom(seed))
          let calls = 0
          let probes = 0
          for (let at = 60_000; at < 60_000 + 1_000 * seconds; at += 1_000 / callsPerSecond) {
            schedule.called(at)
            const isYoung = at < 63_000
            if (!isYoung) calls++
            if (at < schedule.nextAt(at)) continue
            schedule.sent(at)
            schedule.failed(at, undefined)
            if (!isYoung) probes++
          }
          // An interval is at least three quarters of what the share says; or the circuit is a classic one.
          const most = Math.max((calls * 0.04) / 0.75, (1_000 * seconds) / (0.75 * 15_000))
          expect(probes).toBeLessThanOrEqual(1.1 * most + 2)
        },
      ),
    )
  })

  it('waits exactly recoveryTimeoutMs without a share', () => {
    const schedule = new ProbeSchedule({ ...pacing, probeShare: undefined }, middle)
    schedule.opened(1_000, undefined)
    expect(schedule.nextAt(1_000)).toBe(16_000)
  })

  it('counts the wait from when a probe was sent: one that hangs until it times out keeps no other away for longer', () => {
    const schedule = opened(50)
    schedule.sent(64_000)
    const due = schedule.nextAt(64_000)
    schedule.failed(64_300, undefined)
    expect(schedule.nextAt(64_300)).toBe(due)
  })

  it('counts it from the failure of the probe without a share', () => {
    const schedule = new ProbeSchedule({ ...pacing, probeShare: undefined }, middle)
    schedule.opened(1_000, undefined)
    schedule.sent(16_000)
    schedule.failed(18_000, undefined)
    expect(schedule.nextAt(18_000)).toBe(33_000)
  })

  it('waits longer the longer the outage lasts: a forty-eighth of its age, while a fifth of the share is left', () => {
    expect(waitAfterProbe(1_000, 12_000)).toBe(250)
    expect(waitAfterProbe(50, 48_000)).toBeCloseTo(1_000, -1)
    expect(waitAfterProbe(50, 600_000)).toBeCloseTo(500 / 0.19, -2)
    expect(waitAfterProbe(10, 86_400_000)).toBeCloseTo(2_500 / 0.19, -3)
  })

  it('forgets the age only after the circuit has been closed as long as it was open', () => {
    const schedule = opened(20)
    schedule.closed(160_000)
    expect(schedule.earlierOpenMs).toBe(100_000)
    schedule.opened(200_000, undefined)
    schedule.closed(200_000)
    expect(schedule.earlierOpenMs).toBe(100_000)
    schedule.opened(300_000, undefined)
    schedule.closed(300_000)
    expect(schedule.earlierOpenMs).toBe(0)
  })

  it('obeys the time that the service names, up to an hour', () => {
    const schedule = opened(1_000)
    schedule.failed(61_000, 20_000)
    expect(schedule.nextAt(61_000)).toBe(81_000)
    schedule.failed(81_000, 86_400_000)
    expect(schedule.nextAt(81_000)).toBe(81_000 + 3_600_000)
  })
})
