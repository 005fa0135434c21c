/** The upstream is gone, in one way or another. */
import { type Case, goodput, inFlight, pending, recovery, unaffected, unaffectedSlowdown, waste } from '../case.ts'
import { BEGINS_MS as fromMs, routeA, routeB, timesOf, troubled } from './platform.ts'

const OUTAGE_BARS = [goodput(0.98), unaffected(0.999), waste(0.03), recovery(1), unaffectedSlowdown]

export const refused: Case = {
  name: 'refused',
  title: 'dead for 30 s: connections are refused',
  scenario: (scale, seed) => {
    const times = timesOf(seed)
    return troubled('refused', scale, times, [{ type: 'refuse', fromMs, toMs: times.toMs }])
  },
  bars: OUTAGE_BARS,
  prototype: { goodA: 0.998, goodB: 1, waste: 0.017, 'recovery s': 0.5 },
}

export const blackhole: Case = {
  name: 'blackhole',
  title: 'accepts and never answers, for 30 s',
  scenario: (scale, seed) => {
    const times = timesOf(seed)
    return troubled('blackhole', scale, times, [{ type: 'hang', fromMs, toMs: times.toMs }])
  },
  bars: OUTAGE_BARS,
  prototype: { goodA: 0.991, goodB: 1, waste: 0.012, 'recovery s': 0.5 },
}

export const slow: Case = {
  name: 'slow',
  title: 'a hundred times slower for 30 s, so that a queue builds in it',
  scenario: (scale, seed) => {
    const times = timesOf(seed)
    return troubled('slow', scale, times, [{ type: 'slow', factor: 100, fromMs, toMs: times.toMs }], {
      a: { workers: 20 },
    })
  },
  bars: OUTAGE_BARS,
  prototype: { goodA: 0.993, goodB: 1, waste: 0.011, 'recovery s': 0.5 },
}

const FLAPS = Array.from({ length: 10 }, (_, flap) => ({
  type: 'refuse' as const,
  fromMs: 15_000 + flap * 6_000,
  toMs: 18_000 + flap * 6_000,
}))

export const flapping: Case = {
  name: 'flapping',
  title: '3 s up, 3 s down, for a minute',
  scenario: (scale) => troubled('flapping', scale, { durationMs: 90_000 }, FLAPS),
  bars: [goodput(0.93), waste(0.05), unaffected(0.995), unaffectedSlowdown],
  prototype: { goodA: 0.974, waste: 0.022 },
}

export const clock: Case = {
  name: 'clock',
  title: 'refused for 10 s, and the wall clock steps back an hour meanwhile',
  scenario: (scale, seed) => {
    const times = timesOf(seed, 10_000)
    return troubled('clock', scale, times, [{ type: 'refuse', fromMs, toMs: times.toMs }], {
      happenings: [{ type: 'step-wall-time', atMs: fromMs + 5_000, byMs: -3_600_000 }],
    })
  },
  bars: OUTAGE_BARS,
  prototype: { goodA: 0.998, 'recovery s': 0.3 },
}

export const longOutage: Case = {
  name: 'long outage',
  title: 'accepts and never answers for ten minutes, at 200 a second',
  scenario: (scale, seed) => {
    // As many requests at the highest rate as at the middle one.
    const times = timesOf(seed, scale > 1 ? 200_000 : 600_000)
    return troubled('long outage', scale, times, [{ type: 'hang', fromMs, toMs: times.toMs }], {
      routes: [routeA(scale, { requestsPerSecond: 200 * scale }), routeB(scale)],
    })
  },
  bars: [inFlight(40), pending(100), waste(0.01), recovery(1.5), unaffected(0.995), unaffectedSlowdown],
  prototype: { 'in flight': 40, pending: 76, waste: 0.007, 'recovery s': 0.8 },
}
