/** More is asked for than there is. */
import { logNormal } from '@holdfast/testing'
import {
  bans,
  type Case,
  goodput,
  routeGoodput,
  throttled,
  unaffected,
  unaffectedP99,
  unaffectedSlowdown,
  waste,
} from '../case.ts'
import { BEGINS_MS as fromMs, grown, routeA, routeB, scaled, timesOf, troubled } from './platform.ts'

export const spike: Case = {
  name: 'spike',
  title: 'ten times the requests for 10 s, on four times the capacity',
  scenario: (scale) => {
    const workers = scaled(4, scale)
    const usual = 20 * scale
    const times = timesOf(0, 10_000)
    return troubled('spike', scale, times, [], {
      routes: [
        routeA(scale, { requestsPerSecond: (at) => (at >= fromMs && at < times.toMs ? 10 * usual : usual) }),
        routeB(scale),
      ],
      slots: Math.max(100, 100 * scale),
      // Four workers at 50 ms: 80 a second.
      a: { workers, serviceTime: logNormal(50, 0.1), facts: { attemptTimeoutMs: 500, maxConcurrent: workers } },
    })
  },
  bars: [goodput(0.95), unaffected(1), waste(0.02), unaffectedSlowdown],
  prototype: { goodA: 0.989, goodB: 1, waste: 0.005 },
}

export const slowButHealthy: Case = {
  name: 'slow but healthy',
  title: 'answers in 600 ms for 30 s, and would fill the pool that all routes share',
  scenario: (scale, seed) => {
    const workers = scaled(50, scale)
    const times = timesOf(seed)
    return troubled('slow but healthy', scale, times, [{ type: 'slow', factor: 30, fromMs, toMs: times.toMs }], {
      routes: [routeA(scale, { requestsPerSecond: 120 * scale }), routeB(scale)],
      slots: Math.round(100 * scale),
      a: { workers, serviceTime: logNormal(20, 0.05), facts: { attemptTimeoutMs: 900, maxConcurrent: workers } },
    })
  },
  bars: [unaffected(0.999), unaffectedP99(60), goodput(0.95), waste(0.02), unaffectedSlowdown],
  prototype: { goodA: 0.999, goodB: 1 },
}

export const limitAndBan: Case = {
  name: 'limit and ban',
  profile: 'DATA_PROVIDER',
  title: 'the provider allows 50 a second and bans for 30 s after 30 violations; spikes of 120 a second',
  scenario: (scale) => {
    const limit = { requests: scaled(50, scale), windowMs: 1_000 }
    // A spike of 0.8 s leaves 56 waiting, which the platform has room for.
    return troubled('limit and ban', scale, { durationMs: 80_000 }, [], {
      routes: [
        routeA(scale, {
          requestsPerSecond: (at) => (at % 5_000 >= 4_200 ? 120 : 30) * scale,
          deadlineMs: 5_000,
        }),
        routeB(scale),
      ],
      slots: grown(100, scale),
      a: {
        limit: { ...limit, ban: { violations: 30, durationMs: 30_000 } },
        facts: { attemptTimeoutMs: 1_000, maxConcurrent: 40, limit },
      },
    })
  },
  bars: [bans(0), throttled(2), goodput(0.95), unaffected(0.995), unaffectedSlowdown],
  prototype: { bans: 0, '429': 0, goodA: 0.989 },
}

export const priority: Case = {
  name: 'priority',
  profile: 'DATA_PROVIDER',
  title: 'limit 50 a second; data comes in bursts of 150 a second; five cancels a second must be through in 500 ms',
  scenario: (scale) => {
    const limit = { requests: scaled(50, scale), windowMs: 1_000 }
    return troubled('priority', scale, { durationMs: 40_000 }, [], {
      routes: [
        routeA(scale, {
          name: 'data',
          requestsPerSecond: (at) => (at % 10_000 >= 7_000 ? 150 : 25) * scale,
          deadlineMs: 2_000,
        }),
        routeA(scale, { name: 'cancels', kind: 'cancel', requestsPerSecond: 5 * scale, deadlineMs: 500 }),
        routeB(scale),
      ],
      slots: grown(100, scale),
      a: { limit, facts: { attemptTimeoutMs: 300, maxConcurrent: 40, limit } },
    })
  },
  bars: [
    routeGoodput('cancels', 0.995),
    routeGoodput('data', 0.95),
    throttled(5),
    unaffected(0.995),
    unaffectedSlowdown,
  ],
  prototype: { cancels: 1, data: 0.984, '429': 0 },
}
