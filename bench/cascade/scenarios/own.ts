/** Our own, against over-fitting to the others. */
import { logNormal } from '@holdfast/testing'
import { amplification, type Case, goodput, recovery, unaffected, unaffectedSlowdown, waste } from '../case.ts'
import { FACTS, BEGINS_MS as fromMs, grown, routeA, routeB, scaled, timesOf, troubled } from './platform.ts'

export const tightTimeout: Case = {
  name: 'tight timeout',
  title: 'nothing is wrong, but one answer in twenty takes longer than the timeout',
  isOwn: true,
  scenario: (scale) =>
    troubled('tight timeout', scale, { durationMs: 40_000 }, [], {
      a: { serviceTime: logNormal(200, 0.25), facts: { ...FACTS, maxConcurrent: grown(40, scale) } },
    }),
  bars: [goodput(0.98), amplification(1.1), unaffected(0.999), unaffectedSlowdown],
}

const BLIPS = Array.from({ length: 10 }, (_, blip) => ({
  type: 'refuse' as const,
  fromMs: 10_000 + blip * 3_000,
  toMs: 10_150 + blip * 3_000,
}))

export const blips: Case = {
  name: 'blips',
  title: 'gone for 150 ms every 3 s: over before a circuit has opened',
  isOwn: true,
  scenario: (scale) => troubled('blips', scale, { durationMs: 50_000 }, BLIPS),
  bars: [goodput(0.97), waste(0.05), unaffected(0.999), unaffectedSlowdown],
}

export const stalls: Case = {
  name: 'stalls',
  title: 'our own event loop stands still for 700 ms every 6 s; nothing else is wrong',
  isOwn: true,
  scenario: (scale) =>
    troubled('stalls', scale, { durationMs: 50_000 }, [], {
      routes: [routeA(scale)],
      happenings: Array.from({ length: 6 }, (_, stall) => ({
        type: 'stall' as const,
        atMs: 10_000 + stall * 6_000,
        durationMs: 700,
      })),
    }),
  bars: [goodput(0.98), amplification(1.05)],
}

export const crowd: Case = {
  name: 'crowd',
  title: 'five hundred slow clients come back at once, half a second after an outage of 10 s',
  isOwn: true,
  scenario: (scale, seed) => {
    const times = timesOf(seed, 10_000)
    const workers = scaled(8, scale)
    // With few requests it takes longer until anybody can know that the outage is over: forty must have come.
    const back = { atMs: times.toMs + 500 / Math.min(1, scale), size: scaled(500, scale) }
    return troubled('crowd', scale, times, [{ type: 'refuse', fromMs, toMs: times.toMs }], {
      slots: Math.max(100, 700 * scale),
      routes: [
        routeA(scale),
        routeA(scale, { name: 'crowd', requestsPerSecond: 0, crowds: [back], deadlineMs: 5_000 }),
        routeB(scale),
      ],
      a: { workers, facts: { attemptTimeoutMs: 300, maxConcurrent: workers } },
    })
  },
  bars: [goodput(0.95), waste(0.05), unaffected(0.999), unaffectedSlowdown],
}

export const grey: Case = {
  name: 'grey',
  title: 'one of three backends hangs for 30 s: a third of the requests',
  isOwn: true,
  scenario: (scale, seed) => {
    const times = timesOf(seed)
    return troubled('grey', scale, times, [{ type: 'hang', share: 1 / 3, fromMs, toMs: times.toMs }], {})
  },
  bars: [goodput(0.88), amplification(1.3), unaffected(0.999), unaffectedSlowdown],
}

export const slowClient: Case = {
  name: 'slow client',
  title: 'a client that calls once in two seconds meets an outage of a minute',
  isOwn: true,
  scenario: (scale, seed) => {
    const { toMs } = timesOf(seed, 60_000)
    // Waste is counted by requests, so that the calm is too: as many of them at every rate.
    const calmMs = 220_000 / scale
    return troubled('slow client', scale, { toMs, durationMs: toMs + calmMs }, [{ type: 'refuse', fromMs, toMs }], {
      routes: [routeA(scale, { requestsPerSecond: 0.5 * scale, deadlineMs: 5_000 })],
    })
  },
  bars: [goodput(0.85), waste(0.15)],
}

export const weakComeback: Case = {
  name: 'weak comeback',
  title: 'dead for 20 s, then back at an eighth of its speed for 10 s: a stampede would bring it down again',
  isOwn: true,
  scenario: (scale, seed) => {
    const times = timesOf(seed, 20_000)
    const workers = scaled(12, scale)
    const faults = [
      { type: 'refuse' as const, fromMs, toMs: times.toMs },
      { type: 'slow' as const, factor: 8, fromMs: times.toMs, toMs: times.toMs + 10_000 },
    ]
    return troubled('weak comeback', scale, times, faults, {
      slots: grown(100, scale),
      a: { workers, facts: { attemptTimeoutMs: 500, maxConcurrent: workers } },
    })
  },
  bars: [goodput(0.93), waste(0.05), unaffected(0.999), unaffectedSlowdown],
}

export const maintenance: Case = {
  name: 'maintenance',
  profile: 'DATA_PROVIDER',
  title: 'answers 503 with Retry-After: 5 for 20 s: whoever obeys asks four times',
  isOwn: true,
  scenario: (scale, seed) => {
    const times = timesOf(seed, 20_000)
    const fault = { type: 'status' as const, status: 503, retryAfterMs: 5_000, fromMs, toMs: times.toMs }
    return troubled('maintenance', scale, times, [fault], { routes: [routeA(scale), routeB(scale)] })
  },
  bars: [waste(0.02), recovery(5), unaffected(0.999), unaffectedSlowdown],
}
