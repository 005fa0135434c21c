/** Each client's own limit in a fleet: nobody who is forgotten, here or in Redis, has more than his limit. In virtual time. */
import { RedisModel, VirtualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import type { FleetError } from '../../src/index.ts'
import { Heat } from '../../src/rate-limiter/heat.ts'
import { FULL_MS, member } from '../support/virtual-member.ts'

const LIMIT = { tokensPerSecond: 1, burstSize: 4 }

describe('clients of a fleet', () => {
  it('leave nothing behind in the process when they have called once', async () => {
    const clock = new VirtualClock()
    const { limiter } = member(clock, new RedisModel(clock), { perClient: LIMIT })
    await clock.advance(FULL_MS)
    for (let client = 0; client < 50; client++) {
      const decision = limiter.decide({ client })
      await clock.advance(2)
      expect((await decision).allowed).toBe(true)
    }
    expect(limiter.snapshot().clients).toBe(1)
  })

  it('have leases when they call often, and then few questions are asked', async () => {
    const clock = new VirtualClock()
    const perClient = { tokensPerSecond: 200, burstSize: 200 }
    const { fleet, limiter } = member(clock, new RedisModel(clock), { perClient })
    await clock.advance(FULL_MS)
    let admitted = 0
    for (let call = 0; call < 200; call++) {
      const decision = limiter.decide({ client: 'busy' })
      void limiter.decide({ client: call })
      await clock.advance(10)
      if ((await decision).allowed) admitted++
    }
    expect(admitted).toBe(200)
    // One for each of the others; of the busy one a few until it is seen, and then about ten a second.
    expect(fleet.snapshot().limits.alpaca?.questions).toBeLessThan(200 + 60)
  })

  it('are not forgotten while they are asked for', async () => {
    const clock = new VirtualClock()
    const { fleet, limiter } = member(clock, new RedisModel(clock), { perClient: LIMIT, latencyMs: 5 })
    await clock.advance(FULL_MS)
    const decisions = []
    for (let call = 0; call < 3; call++) {
      decisions.push(limiter.decide({ client: 'one' }))
      await clock.advance(4)
      void limiter.decide({ client: `other ${call}` })
    }
    await clock.advance(50)
    expect((await Promise.all(decisions)).map(({ allowed }) => allowed)).toEqual([true, true, true])
    expect(fleet.snapshot().limits.alpaca).toMatchObject({ granted: 6, spent: 6 })
  })

  it('never have more than their limit, however often Redis has forgotten them', async () => {
    const clock = new VirtualClock()
    const redis = new RedisModel(clock)
    const members = [member(clock, redis, { perClient: LIMIT }), member(clock, redis, { perClient: LIMIT })]
    await clock.advance(FULL_MS)
    const admittedAt: number[] = []
    // In bursts with pauses around the time after which a bucket is full again.
    for (let burst = 0; burst < 30; burst++) {
      for (const { limiter } of members) {
        for (let call = 0; call < 4; call++) {
          const decision = limiter.decide({ client: 'one' })
          await clock.advance(3)
          if ((await decision).allowed) admittedAt.push(clock.now())
        }
      }
      await clock.advance(900 + 250 * burst)
    }
    expect(admittedAt.length).toBeGreaterThan(60)
    for (const [from, start] of admittedAt.entries()) {
      for (const [to, end] of admittedAt.entries()) {
        const most = LIMIT.burstSize + ((end - start) / 1_000) * LIMIT.tokensPerSecond
        if (to >= from) expect(to - from + 1).toBeLessThanOrEqual(Math.floor(most + 0.01))
      }
    }
  })

  it('leave nothing behind in Redis when nobody has called for a while', async () => {
    const clock = new VirtualClock()
    const redis = new RedisModel(clock)
    const { limiter } = member(clock, redis, { perClient: LIMIT })
    await clock.advance(FULL_MS)
    expect(redis.hashes).toBe(0)
    for (let client = 0; client < 3; client++) {
      void limiter.decide({ client })
      await clock.advance(6_000)
    }
    expect(redis.hashes).toBe(2)
    await clock.advance(9_000)
    expect(redis.hashes).toBe(0)
  })

  it.each([100, 3])(
    'have no more than their share without Redis, also of %i who are remembered',
    async (maxClients) => {
      const clock = new VirtualClock()
      const { connection, limiter } = member(clock, new RedisModel(clock), { perClient: LIMIT, maxClients })
      await clock.advance(FULL_MS)
      connection.arrives = false
      void limiter.decide({ client: 'one' })
      await clock.advance(10_000)
      let admitted = 0
      for (let turn = 0; turn < 100; turn++) {
        if (limiter.tryAcquire({ client: 'one' }).allowed) admitted++
        for (let other = 0; other < 5; other++) limiter.tryAcquire({ client: `${other}` })
        await clock.advance(10)
      }
      // Half of everything, as of a process that is alone: two at once, and half a token in this second.
      expect(admitted).toBeLessThanOrEqual(3)
      expect(admitted).toBeGreaterThan(0)
    },
  )

  it('are told of once when others keep another limit under the name', async () => {
    const clock = new VirtualClock()
    const redis = new RedisModel(clock)
    const problems: FleetError[] = []
    const first = member(clock, redis, { perClient: LIMIT })
    const second = member(clock, redis, { perClient: { ...LIMIT, burstSize: 8 } }, problems)
    await clock.advance(FULL_MS)
    const admitted = first.limiter.decide({ client: 'one' })
    await clock.advance(5)
    expect((await admitted).allowed).toBe(true)
    const refused = [1, 2, 3].map((client) => second.limiter.decide({ client }))
    await clock.advance(5)
    expect((await Promise.all(refused)).map(({ allowed }) => allowed)).toEqual([false, false, false])
    expect(problems).toHaveLength(1)
    // Once nobody uses the other limit any more.
    await clock.advance(30_000)
    const later = second.limiter.decide({ client: 1 })
    await clock.advance(5)
    expect((await later).allowed).toBe(true)
  })
})

describe('heat', () => {
  it('counts what each client wanted, and forgets half of it each time', () => {
    const heat = new Heat()
    heat.add(7, 5)
    heat.add(7, 0.5)
    heat.add(8, 1_000)
    expect([heat.of(7), heat.of(8), heat.of(9)]).toEqual([6, 255, 0])
    heat.cool()
    expect([heat.of(7), heat.of(8), heat.of(9)]).toEqual([3, 127, 0])
    for (let turn = 0; turn < 7; turn++) heat.cool()
    expect([heat.of(7), heat.of(8)]).toEqual([0, 0])
  })
})
