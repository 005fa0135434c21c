/** The upstream works, but not for everybody or not always. */
import {
  amplification,
  type Case,
  doubled,
  goodput,
  routeGoodput,
  sentOnce,
  unaffected,
  unaffectedSlowdown,
  unknown,
  waste,
} from '../case.ts'
import { BEGINS_MS as fromMs, routeA, routeB, timesOf, troubled } from './platform.ts'

export const partial: Case = {
  name: 'partial',
  title: 'half of the answers are quick 503s, for 30 s',
  scenario: (scale, seed) => {
    const { toMs } = timesOf(seed)
    const fault = { type: 'status' as const, status: 503, share: 0.5, fromMs, toMs }
    return troubled('partial', scale, { toMs, durationMs: 90_000 }, [fault])
  },
  bars: [goodput(0.96), amplification(1.4), unaffected(0.995), unaffectedSlowdown],
  prototype: { goodA: 0.998, amp: 1.32 },
}

const HOT = 'SYM0'
const SYMBOLS = 20

export const badShard: Case = {
  name: 'bad shard',
  title: 'one of 20 symbols, with 40 % of the traffic, hangs for 30 s',
  scenario: (scale, seed) => {
    const times = timesOf(seed)
    const hot = routeA(scale, { name: 'hot symbol', requestsPerSecond: 32 * scale, key: () => HOT })
    const others = routeA(scale, {
      name: 'other symbols',
      requestsPerSecond: 48 * scale,
      key: (random) => `SYM${1 + Math.floor(random() * (SYMBOLS - 1))}`,
    })
    const fault = {
      type: 'hang' as const,
      fromMs,
      toMs: times.toMs,
      when: ({ key }: { key?: string | undefined }) => key === HOT,
    }
    return troubled('bad shard', scale, times, [fault], {
      routes: [hot, others, routeB(scale)],
      a: { facts: { attemptTimeoutMs: 300, maxConcurrent: 40, isKeyed: true } },
    })
  },
  bars: [goodput(0.98), routeGoodput('other symbols', 0.995), waste(0.03), unaffected(0.999), unaffectedSlowdown],
  prototype: { goodA: 0.991, goodB: 1, waste: 0.007 },
}

export const clientErrors: Case = {
  name: 'client errors',
  title: 'a third of the requests is answered 400',
  scenario: (scale) =>
    troubled('client errors', scale, { durationMs: 40_000 }, [{ type: 'status', status: 400, share: 1 / 3 }]),
  bars: [goodput(1), sentOnce, unaffected(0.995), unaffectedSlowdown],
  prototype: { goodA: 1, amp: 1 },
}

export const lostAcknowledgement: Case = {
  name: 'lost acknowledgement',
  profile: 'BROKER',
  title: '10 % of the orders are carried out and their answer is lost, 10 % are refused',
  scenario: (scale) => {
    const orders = routeA(scale, { kind: 'order', requestsPerSecond: 20 * scale, deadlineMs: 2_000 })
    const faults = [{ type: 'lose-answer', share: 0.1 } as const, { type: 'refuse', share: 0.1 } as const]
    return troubled('lost acknowledgement', scale, { durationMs: 40_000 }, faults, { routes: [orders, routeB(scale)] })
  },
  bars: [doubled, unknown, goodput(0.99), unaffected(0.995), unaffectedSlowdown],
  prototype: { doubled: 0, unknown: 0, goodA: 1 },
}
