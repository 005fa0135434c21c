import { constant, logNormal, runScenario, type Scenario, type Subject, VirtualClock } from '@holdfast/testing'
import { CircuitBreaker, pipeline } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { recoverySeconds } from '../../src/scenario/result.ts'

const facts = { attemptTimeoutMs: 200, maxConcurrent: 20 }
const healthy = { workers: 100, serviceTime: logNormal(20, 0.25), facts }

const outage: Scenario = {
  name: 'outage',
  durationMs: 30_000,
  faultEndsMs: 20_000,
  slots: 20,
  routes: [
    { name: 'A', upstream: 'a', requestsPerSecond: 50, deadlineMs: 1_000 },
    { name: 'B', upstream: 'b', requestsPerSecond: 20, deadlineMs: 250, isUnaffected: true },
  ],
  upstreams: { a: { ...healthy, faults: [{ type: 'hang', fromMs: 10_000, toMs: 20_000 }] }, b: healthy },
}

const bare: Subject = { name: 'bare', make: () => (_request, connection) => connection.send() }

const guarded: Subject = {
  name: 'guarded',
  make({ clock, services }) {
    const byService = new Map(
      Object.entries(services).map(([name, { attemptTimeoutMs }]) => [
        name,
        pipeline({
          clock,
          attemptTimeoutMs,
          circuitBreaker: new CircuitBreaker(name, { clock, recoveryTimeoutMs: 500 }),
        }),
      ]),
    )
    return async ({ route }, connection) =>
      byService.get(route.upstream)?.execute(({ signal }) => connection.send(signal))
  },
}

describe('the recovery', () => {
  it('is over when three seconds in a row are good, not when one is', () => {
    const requests = Array.from({ length: 100 }, (_, tenth) => {
      const atMs = 1_000 + tenth * 100
      // Good for two seconds, bad for half a one, and good from then on: a second with one tenth of that is good.
      return { arrivedAt: atMs, good: atMs < 3_000 || atMs >= 3_500 }
    })
    expect(recoverySeconds(requests, 1_000, 11_000)).toBe(2.4)
    expect(
      recoverySeconds(
        requests.map((one) => ({ ...one, good: one.arrivedAt < 3_000 })),
        1_000,
        11_000,
      ),
    ).toBeNull()
  })
})

describe('a scenario that makes no sense', () => {
  const [first, second] = outage.routes
  if (first === undefined || second === undefined) throw new Error('there are two routes')
  it.each([
    [
      'upstream that is not there',
      { routes: [{ ...first, upstream: 'c' }] },
      'scenario.routes.A.upstream is "c": there is no such upstream; known are a, b',
    ],
    [
      'two routes of one name',
      { routes: [first, { ...second, name: 'A' }] },
      'scenario.routes.A is "A": another route',
    ],
    ['negative rate', { routes: [{ ...first, requestsPerSecond: -1 }] }, 'scenario.routes.A.requestsPerSecond is -1'],
    [
      'rate that becomes negative',
      { routes: [{ ...first, requestsPerSecond: (atMs: number) => 1 - atMs / 500 }] },
      'scenario.routes.A.requestsPerSecond(550) is -0.',
    ],
    ['no slots', { slots: 0 }, 'scenario.slots is 0: it must be a number from 1'],
    ['no duration', { durationMs: Number.NaN }, 'scenario.durationMs is NaN: it must be a number above 0'],
    ['no workers', { upstreams: { ...outage.upstreams, a: { ...healthy, workers: 0 } } }, 'upstream.workers is 0'],
    [
      'share above 1',
      { upstreams: { ...outage.upstreams, a: { ...healthy, faults: [{ type: 'hang', share: 5 }] } } },
      'upstream.faults.share is 5: it must be a number from 0 to 1',
    ],
  ] satisfies [string, Partial<Scenario>, string][])('is refused: %s', async (_, part, message) => {
    await expect(runScenario({ ...outage, ...part }, bare)).rejects.toThrow(message)
  })

  it('is refused on a clock that has moved', async () => {
    await expect(runScenario(outage, bare, { clock: new VirtualClock({ now: 5 }) })).rejects.toThrow('clock is 5')
  })
})

describe('a scenario', () => {
  it('shows how an outage spreads without a guard, and does not with one', async () => {
    const without = await runScenario(outage, bare)
    expect(without.unaffectedGoodput).toBeLessThan(0.5)
    expect(without.recoverySeconds).toBeNull()
    expect(without.neverSettled).toBeGreaterThan(100)
    const withGuard = await runScenario(outage, guarded)
    expect(withGuard.unaffectedGoodput).toBe(1)
    expect(withGuard.goodput).toBeGreaterThan(0.95)
    expect(withGuard.recoverySeconds).toBeLessThan(1)
    expect(withGuard.neverSettled).toBe(0)
    expect(withGuard.failures).toMatchObject({
      HOLDFAST_CIRCUIT_OPEN: expect.any(Number),
      HOLDFAST_TIMEOUT: expect.any(Number),
    })
  })

  it('is the same for the same seed and another for another', async () => {
    const [first, again, other] = await Promise.all([1, 1, 2].map((seed) => runScenario(outage, guarded, { seed })))
    expect(again).toEqual(first)
    expect(other).not.toEqual(first)
  })

  it('asks the same luck of everybody: arrivals and service times do not depend on who answers', async () => {
    const calm: Scenario = { ...outage, upstreams: { a: healthy, b: healthy } }
    const [one, two] = await Promise.all([runScenario(calm, bare), runScenario(calm, guarded)])
    expect({ ...two, subject: 'bare' }).toEqual(one)
    expect([one.goodput, one.waste, one.amplification]).toEqual([1, 0, 1])
    expect(one.routes.A?.p99Ms).toBeCloseTo(one.routes.A?.calmP99Ms ?? 0)
  })

  it('measures against what is possible, not against what is asked for', async () => {
    const overload: Scenario = {
      name: 'overload',
      durationMs: 10_000,
      slots: 1_000,
      routes: [{ name: 'A', upstream: 'a', requestsPerSecond: 40, deadlineMs: 500 }],
      upstreams: { a: { workers: 1, serviceTime: constant(50), facts } },
    }
    const { routes } = await runScenario(overload, bare)
    // One worker, 50 ms each: twenty a second.
    expect(routes.A?.feasible).toBeGreaterThan(180)
    expect(routes.A?.feasible).toBeLessThanOrEqual(210)
    expect(routes.A?.goodput).toBeLessThan(0.5)
  })

  it('counts orders that were doubled, and those whose client was told wrong', async () => {
    const orders: Scenario = {
      name: 'orders',
      durationMs: 10_000,
      slots: 100,
      routes: [{ name: 'orders', upstream: 'a', requestsPerSecond: 20, deadlineMs: 1_000, kind: 'order' }],
      upstreams: { a: { ...healthy, faults: [{ type: 'lose-answer', share: 0.2 }] } },
    }
    const blind: Subject = {
      name: 'blind',
      make: () => (_request, connection) => connection.send().catch(() => connection.send()),
    }
    const asking: Subject = {
      name: 'asking',
      make: () => (_request, connection) =>
        connection.send().catch(async (error: unknown) => {
          if ((await connection.lookUp()) === 0) throw error
        }),
    }
    expect((await runScenario(orders, bare)).unknown).toBeGreaterThan(20)
    expect((await runScenario(orders, blind)).doubled).toBeGreaterThan(20)
    expect(await runScenario(orders, asking)).toMatchObject({ doubled: 0, unknown: 0, goodput: 1 })
  })

  it('lets the platform stall and its wall clock step', async () => {
    const stalled = await runScenario(
      { ...outage, happenings: [{ atMs: 5_000, type: 'stall', durationMs: 700 }] },
      guarded,
    )
    expect(stalled.unaffectedGoodput).toBeLessThan(1)
    const stepped: Scenario = { ...outage, happenings: [{ atMs: 15_000, type: 'step-wall-time', byMs: -3_600_000 }] }
    expect(await runScenario(stepped, guarded)).toEqual(await runScenario(outage, guarded))
  })
})
