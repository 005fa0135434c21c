/** F1: no window of any length sees more than burst + rate × W, over all processes, whatever fails. In virtual time. */
import { seededRandom, VirtualClock } from '@holdfast/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { WhenUnavailable } from '../../src/rate-limiter/bucket.ts'
import { overAdmission } from '../support/admissions.ts'
import { VirtualFleet, type VirtualProcess } from '../support/virtual-fleet.ts'

/** What befalls Redis, and so every process alike. */
const ofRedis = fc.record({
  kind: fc.constantFrom(
    'restart' as const,
    'lose' as const,
    'flush' as const,
    'failover' as const,
    'hang' as const,
    'mute' as const,
    'slow' as const,
    'refuse' as const,
  ),
  atMs: fc.integer({ min: 3_500, max: 9_000 }),
  forMs: fc.constantFrom(30, 300, 1_500, 3_000, 4_000, 5_000),
})

/** What befalls one process. */
const ofProcess = fc.record({
  kind: fc.constantFrom('kill' as const, 'cut' as const, 'mute' as const, 'slow' as const, 'stall' as const),
  process: fc.nat(7),
  atMs: fc.integer({ min: 3_500, max: 9_000 }),
  forMs: fc.constantFrom(30, 300, 1_500, 4_000),
})

const situation = fc.record({
  seed: fc.nat(),
  processes: fc.integer({ min: 2, max: 8 }),
  limit: fc.record({
    tokensPerSecond: fc.constantFrom(10 / 3, 20, 60, 150),
    burstSize: fc.constantFrom(1, 8, 40, 120),
  }),
  latencyMs: fc.constantFrom(0.2, 1, 8),
  demand: fc.constantFrom(0.5, 3, 3, 3),
})

interface Fault {
  readonly kind: string
  readonly atMs: number
  readonly forMs: number
  readonly process?: number
}

interface Situation {
  readonly seed: number
  readonly processes: number
  readonly limit: { readonly tokensPerSecond: number; readonly burstSize: number }
  readonly latencyMs: number
  readonly demand: number
}

function begin(fault: Fault, fleet: VirtualFleet, hit: readonly VirtualProcess[], latencyMs: number): void {
  if (fault.kind === 'restart') fleet.redis.restart()
  if (fault.kind === 'lose') fleet.redis.lose()
  if (fault.kind === 'flush') fleet.redis.flush()
  if (fault.kind === 'failover') fleet.redis.failover()
  for (const { connection } of hit) {
    if (fault.kind === 'hang') connection.arrives = false
    if (fault.kind === 'cut') connection.connected = false
    if (fault.kind === 'mute') connection.answers = false
    if (fault.kind === 'slow') connection.latencyMs = latencyMs + 250
    if (fault.kind === 'refuse') connection.refusal = 'OOM command not allowed when used memory > maxmemory'
  }
}

function end(fault: Fault, hit: readonly VirtualProcess[], latencyMs: number): void {
  for (const { connection } of hit) {
    if (fault.kind === 'kill') continue
    Object.assign(connection, { arrives: true, connected: true, answers: true, latencyMs, refusal: undefined })
  }
}

/** Plays a situation with its faults; returns the fleet when it is over. */
async function play(
  { seed, processes, limit, latencyMs, demand }: Situation,
  faults: readonly Fault[],
  whenUnavailable: WhenUnavailable,
): Promise<VirtualFleet> {
  const clock = new VirtualClock()
  const random = seededRandom(seed)
  const fleet = new VirtualFleet(clock, limit)
  // Clocks of processes are an hour apart.
  for (let i = 0; i < processes; i++) fleet.add({ whenUnavailable, latencyMs, offsetMs: i * 3_600_000 })
  const hitBy = ({ process }: Fault): readonly VirtualProcess[] =>
    fleet.processes.filter((_, index) => process === undefined || index === process % processes)
  for (const fault of faults) {
    // What a replica has got of it when it takes over.
    if (fault.kind === 'failover') clock.setTimer(() => fleet.redis.replicate(), fault.atMs - fault.forMs / 4)
    clock.setTimer(() => {
      begin(fault, fleet, hitBy(fault), latencyMs)
      if (fault.kind === 'kill') for (const hit of hitBy(fault)) hit.kill()
    }, fault.atMs)
    clock.setTimer(() => end(fault, hitBy(fault), latencyMs), fault.atMs + fault.forMs)
  }
  const stalled = (index: number, now: number): boolean =>
    faults.some(
      (fault) =>
        fault.kind === 'stall' && fault.process === index && now > fault.atMs && now < fault.atMs + fault.forMs,
    )
  const everyMs = (1_000 * processes) / (limit.tokensPerSecond * demand)
  for (const [index, process] of fleet.processes.entries()) {
    const next = (): void => {
      if (!stalled(index, clock.now())) void process.ask(random() < 0.1 ? Math.min(3, limit.burstSize) : 1)
      clock.setTimer(next, everyMs * 2 * random())
    }
    clock.setTimer(next, everyMs * random())
  }
  await clock.advance(14_000)
  return fleet
}

describe('over all processes, no window of any length sees more than burst + rate × W', () => {
  it('when Redis restarts, loses its data, hangs, answers late, or refuses, and each process keeps to its share', async () => {
    await fc.assert(
      fc.asyncProperty(situation, fc.array(ofRedis, { minLength: 1, maxLength: 2 }), async (given, faults) => {
        const { admissions } = await play(given, faults, 'local-share')
        expect(overAdmission(admissions, given.limit)).toBe(0)
      }),
      { numRuns: 40 },
    )
  })

  it('when single processes are cut off, slow, stalled or killed as well, and calls are refused without Redis', async () => {
    await fc.assert(
      fc.asyncProperty(situation, fc.array(fc.oneof(ofRedis, ofProcess), { maxLength: 4 }), async (given, faults) => {
        const { admissions } = await play(given, faults, 'deny')
        expect(overAdmission(admissions, given.limit)).toBe(0)
      }),
      { numRuns: 40 },
    )
  })

  it('when single processes are cut off, slow, stalled or killed as well, and each process keeps to its share', async () => {
    await fc.assert(
      fc.asyncProperty(situation, fc.array(fc.oneof(ofRedis, ofProcess), { maxLength: 4 }), async (given, faults) => {
        const { admissions } = await play(given, faults, 'local-share')
        expect(overAdmission(admissions, given.limit)).toBe(0)
      }),
      { numRuns: 40 },
    )
  })

  it('when Redis loses its data and then hangs before all processes are counted again', async () => {
    const given = {
      seed: 1,
      processes: 4,
      limit: { tokensPerSecond: 150, burstSize: 120 },
      latencyMs: 0.2,
      demand: 3,
    }
    const faults = [
      { kind: 'lose', atMs: 6_000, forMs: 1 },
      { kind: 'hang', atMs: 6_050, forMs: 5_000 },
    ]
    const { admissions } = await play(given, faults, 'local-share')
    expect(overAdmission(admissions, given.limit)).toBe(0)
  })

  it('when one process is cut off alone for nearly as long as its share is kept, which it uses meanwhile', async () => {
    const clock = new VirtualClock()
    const limit = { tokensPerSecond: 150, burstSize: 40 }
    const fleet = new VirtualFleet(clock, limit)
    // A tenth of the usual periods: shares are kept for thirty seconds.
    for (let process = 0; process < 4; process++) fleet.add({ timeLimitMs: 5, leaseMs: 25 })
    for (const process of fleet.processes) {
      const next = (): void => {
        process.call()
        clock.setTimer(next, 10)
      }
      next()
    }
    await clock.advance(3_000)
    const [cut] = fleet.processes
    if (cut === undefined) throw new Error('no processes')
    cut.connection.arrives = false
    await clock.advance(1_000)
    await clock.advance(28_000)
    cut.connection.arrives = true
    await clock.advance(3_000)
    expect(cut.store.counts.unleased).toBeGreaterThan(0.9 * 28 * (limit.tokensPerSecond / 4))
    expect(overAdmission(fleet.admissions, limit)).toBe(0)
  })

  it('when Redis hangs again just as it is about to give tokens, and each process keeps to its share', async () => {
    const given = { seed: 3, processes: 4, limit: { tokensPerSecond: 150, burstSize: 120 }, latencyMs: 0.2, demand: 3 }
    for (let atMs = 10_900; atMs < 12_300; atMs += 100) {
      const faults = [
        { kind: 'hang', atMs: 6_000, forMs: 4_800 },
        { kind: 'hang', atMs, forMs: 700 },
      ]
      const { admissions } = await play(given, faults, 'local-share')
      expect([atMs, overAdmission(admissions, given.limit)]).toEqual([atMs, 0])
    }
  })

  it('when all leases lapse, one of them never to be asked for again, and then one more while another is held', async () => {
    const clock = new VirtualClock()
    const limit = { tokensPerSecond: 100, burstSize: 20 }
    const fleet = new VirtualFleet(clock, limit)
    const [first, second, third, fourth] = [1, 2, 3, 4].map(() => fleet.add({ whenUnavailable: 'deny' }))
    if (!first || !second || !third || !fourth) throw new Error('no processes')
    const calls = async (times: number, ...callers: readonly VirtualProcess[]): Promise<void> => {
      for (let call = 0; call < times; call++) {
        for (const process of callers) void process.ask()
        await clock.advance(1)
      }
    }
    await clock.advance(3_000)
    await calls(8, first)
    first.kill()
    await clock.advance(300)
    await calls(4, second)
    second.kill()
    await clock.advance(100)
    await calls(4, third)
    await clock.advance(60)
    await calls(1, third)
    // Long enough for the bucket to fill, while the third holds tokens.
    await clock.advance(160)
    await calls(40, third, fourth)
    expect(overAdmission(fleet.admissions, limit)).toBe(0)
  })

  it('when Redis is away a second time, and one that kept to its share the first time has not called since', async () => {
    const clock = new VirtualClock()
    const limit = { tokensPerSecond: 1, burstSize: 8 }
    const fleet = new VirtualFleet(clock, limit)
    const [busy, quiet] = [fleet.add(), fleet.add()]
    const cut = (isCut: boolean): void => {
      for (const { connection } of fleet.processes) connection.connected = !isCut
    }
    await clock.advance(3_000)
    cut(true)
    await clock.advance(8_000)
    quiet.call()
    cut(false)
    await clock.advance(12_000)
    for (let call = 0; call < 16; call++) {
      void busy.ask()
      await clock.advance(2)
    }
    cut(true)
    await clock.advance(2_000)
    for (let call = 0; call < 8; call++) quiet.call()
    expect(overAdmission(fleet.admissions, limit)).toBe(0)
  })
})
