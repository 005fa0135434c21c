/** The limiter of a fleet is a `RateLimiter`: the same calls, errors and figures. In virtual time. */
import { createHash } from 'node:crypto'
import { RedisModel, VirtualClock } from '@holdfast/testing'
import { type ClientKey, createResilience, RateLimitedError } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { Fleet } from '../../src/fleet.ts'
import type { FleetError } from '../../src/index.ts'
import { FULL_MS, member } from '../support/virtual-member.ts'

describe('the limiter of a fleet', () => {
  it('admits waiting calls first come, first served, as tokens come', async () => {
    const clock = new VirtualClock()
    const { limiter } = member(clock, new RedisModel(clock), { tokensPerSecond: 10, burstSize: 5 })
    await clock.advance(FULL_MS)
    const order: number[] = []
    for (let call = 0; call < 8; call++) void limiter.acquire().then(() => order.push(call))
    await clock.advance(50)
    expect(order).toEqual([0, 1, 2, 3, 4])
    await clock.advance(350)
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  })

  it('shares its tokens with all processes', async () => {
    const clock = new VirtualClock()
    const redis = new RedisModel(clock)
    const members = Array.from({ length: 4 }, () => member(clock, redis, { tokensPerSecond: 1, burstSize: 8 }))
    await clock.advance(FULL_MS)
    let admitted = 0
    for (const { limiter } of members) {
      for (let call = 0; call < 8; call++) {
        void limiter.acquire({ maxWaitMs: 200 }).then(
          () => admitted++,
          () => undefined,
        )
      }
    }
    await clock.advance(300)
    expect(admitted).toBe(8)
  })

  it('refuses with a RateLimitedError that says when to come back', async () => {
    const clock = new VirtualClock()
    const { limiter } = member(clock, new RedisModel(clock), { tokensPerSecond: 1, burstSize: 2 })
    await clock.advance(FULL_MS)
    const ended = [1, 2, 3].map(() => limiter.acquire({ maxWaitMs: 100 }).catch((error: unknown) => error))
    await clock.advance(200)
    const [, , refused] = await Promise.all(ended)
    expect(refused).toBeInstanceOf(RateLimitedError)
    expect(refused).toMatchObject({ code: 'HOLDFAST_RATE_LIMITED' })
  })

  it('tells what is left, in Redis too, also of a limit that nobody uses', async () => {
    const clock = new VirtualClock()
    const redis = new RedisModel(clock)
    const options = { tokensPerSecond: 1, burstSize: 8 }
    const [one, other] = [member(clock, redis, options), member(clock, redis, options)]
    await clock.advance(FULL_MS)
    expect(one.limiter.snapshot().remaining).toBe(8)
    for (let call = 0; call < 6; call++) void other.limiter.acquire()
    await clock.advance(20)
    void one.limiter.acquire()
    await clock.advance(5)
    // One or two of the eight; the other has leased one ahead of need, and gives it back.
    expect(one.limiter.snapshot().remaining).toBeLessThan(2)
    await clock.advance(3_000)
    expect(one.limiter.snapshot().remaining).toBe(4)
    one.connection.arrives = false
    await clock.advance(1_000)
    void one.limiter.acquire({ maxWaitMs: 1 }).catch(() => undefined)
    await clock.advance(200)
    expect(one.limiter.snapshot().remaining).toBe(0)
  })

  it('has nothing left where others use another limit under its name', async () => {
    const clock = new VirtualClock()
    const redis = new RedisModel(clock)
    const problems: FleetError[] = []
    const first = member(clock, redis, { tokensPerSecond: 1, burstSize: 8 })
    const { limiter } = member(clock, redis, { tokensPerSecond: 2, burstSize: 8 }, problems)
    await clock.advance(FULL_MS)
    void first.limiter.acquire()
    await clock.advance(5)
    limiter.tryAcquire()
    await clock.advance(5)
    expect(problems).toHaveLength(1)
    expect(limiter.snapshot().remaining).toBe(0)
  })

  it('admits a call that needs more than one lease holds', async () => {
    const clock = new VirtualClock()
    const redis = new RedisModel(clock)
    const members = Array.from({ length: 4 }, () => member(clock, redis, { tokensPerSecond: 10, burstSize: 8 }))
    await clock.advance(FULL_MS)
    // The others hold tokens of their own.
    for (const { limiter } of members.slice(1)) void limiter.acquire()
    await clock.advance(20)
    let admitted = false
    void members[0]?.limiter.acquire({ cost: 8 }).then(() => {
      admitted = true
    })
    await clock.advance(2_000)
    expect(admitted).toBe(true)
  })

  it('keeps a bucket for each client, in all processes together', async () => {
    const clock = new VirtualClock()
    const redis = new RedisModel(clock)
    const options = { perClient: { tokensPerSecond: 1, burstSize: 3 } }
    const members = Array.from({ length: 3 }, () => member(clock, redis, options))
    await clock.advance(FULL_MS)
    const admitted = new Map<string, number>()
    for (const { limiter } of members) {
      for (const client of ['desk-7', 'desk-8', 'desk-7']) {
        void limiter.acquire({ client, maxWaitMs: 100 }).then(
          () => admitted.set(client, (admitted.get(client) ?? 0) + 1),
          () => undefined,
        )
      }
    }
    await clock.advance(150)
    expect(Object.fromEntries(admitted)).toEqual({ 'desk-7': 3, 'desk-8': 3 })
  })

  it('lets no client take the bucket of another by its name, and knows bytes by what is in them', async () => {
    const clock = new VirtualClock()
    const { limiter } = member(clock, new RedisModel(clock), { perClient: { tokensPerSecond: 0.1, burstSize: 1 } })
    await clock.advance(FULL_MS)
    const long = 'x'.repeat(65)
    const digest = createHash('sha1').update(long).digest('base64url')
    const bytes = Uint8Array.of(10, 0, 0, 1)
    const clients = [7, '7', '#7', '-7', '=7', long, digest, `=${digest}`, `-${digest}`, bytes]
    const admitted = async (client: ClientKey): Promise<boolean> => {
      const decision = limiter.decide({ client })
      await clock.advance(5)
      return (await decision).allowed
    }
    for (const client of clients) expect([client, await admitted(client)]).toEqual([client, true])
    for (const client of clients) expect([client, await admitted(client)]).toEqual([client, false])
    bytes[3] = 2
    expect(await admitted(bytes)).toBe(true)
  })

  it.each([
    ['local-share', 5, 30],
    ['deny', 0, 0],
    ['allow', 400, 400],
  ] as const)('without Redis decides by whenUnavailable: %s', async (whenUnavailable, least, most) => {
    const clock = new VirtualClock()
    const redis = new RedisModel(clock)
    const options = { tokensPerSecond: 10, burstSize: 10, whenUnavailable }
    const members = [member(clock, redis, options), member(clock, redis, options)]
    await clock.advance(FULL_MS)
    for (const { connection } of members) connection.arrives = false
    // What was leased lapses, and nobody has a share yet.
    await clock.advance(3_000)
    let admitted = 0
    for (let turn = 0; turn < 200; turn++) {
      for (const { limiter } of members) if (limiter.tryAcquire().allowed) admitted++
      await clock.advance(10)
    }
    expect(admitted).toBeGreaterThanOrEqual(least)
    expect(admitted).toBeLessThanOrEqual(most)
  })

  it('asks once for the decision of a client that calls now and then', async () => {
    const clock = new VirtualClock()
    const { fleet, limiter } = member(clock, new RedisModel(clock), {
      perClient: { tokensPerSecond: 10, burstSize: 10 },
    })
    await clock.advance(FULL_MS)
    const decisions = Array.from({ length: 20 }, (_, index) => limiter.decide({ client: `desk-${index}` }))
    await clock.advance(20)
    expect((await Promise.all(decisions)).map(({ allowed }) => allowed)).toEqual(Array(20).fill(true))
    expect(fleet.snapshot().limits.alpaca).toMatchObject({ questions: 20, spent: 20 })
  })

  it('goes on at half its rate when a process that was alone is killed and another takes its place', async () => {
    const clock = new VirtualClock()
    const redis = new RedisModel(clock)
    const options = { tokensPerSecond: 10, burstSize: 10 }
    const killed = member(clock, redis, options)
    await clock.advance(FULL_MS)
    killed.connection.connected = false
    killed.connection.arrives = false
    const { limiter } = member(clock, redis, options)
    await clock.advance(FULL_MS)
    let admitted = 0
    for (let turn = 0; turn < 200; turn++) {
      if (limiter.tryAcquire().allowed) admitted++
      await clock.advance(50)
    }
    expect(admitted).toBeGreaterThan(40)
  })

  it('knows who is in the fleet, and for whom a part is kept', async () => {
    const clock = new VirtualClock()
    const redis = new RedisModel(clock)
    const options = { tokensPerSecond: 10, burstSize: 10 }
    const [first, second] = [member(clock, redis, options), member(clock, redis, options)]
    await clock.advance(FULL_MS)
    second.connection.arrives = false
    await clock.advance(3_000)
    const looking = first.fleet.members()
    await clock.advance(10)
    const found = (await looking).toSorted((one, other) => one.silentForMs - other.silentForMs)
    expect(found).toMatchObject([
      { processId: first.fleet.processId, part: 0.5, isAlone: false },
      { processId: second.fleet.processId, part: 0.5, isAlone: true },
    ])
  })

  it('gives back on its way out what it had leased, so that the others need not wait', async () => {
    const clock = new VirtualClock()
    const redis = new RedisModel(clock)
    const options = { tokensPerSecond: 1, burstSize: 4 }
    const [leaving, staying] = [member(clock, redis, options), member(clock, redis, options)]
    await clock.advance(FULL_MS)
    for (let turn = 0; turn < 3; turn++) {
      leaving.limiter.tryAcquire()
      await clock.advance(3)
    }
    void leaving.fleet.close()
    await clock.advance(10)
    expect(redis.processes).toBe(1)
    let admitted = 0
    for (let call = 0; call < 4; call++) {
      void staying.limiter.acquire({ maxWaitMs: 50 }).then(
        () => admitted++,
        () => undefined,
      )
    }
    await clock.advance(40)
    expect(admitted).toBeGreaterThan(0)
  })

  it('keeps no process alive once the fleet is closed', async () => {
    const clock = new VirtualClock()
    const { fleet, limiter } = member(clock, new RedisModel(clock), { tokensPerSecond: 10, burstSize: 5 })
    await clock.advance(FULL_MS)
    void limiter.acquire()
    await clock.advance(50)
    const closing = fleet.close()
    await clock.advance(100)
    await closing
    await clock.advance(60_000)
    expect(clock.pendingTimersThatKeepAlive).toBe(0)
  })
})

describe('a service', () => {
  it('is fleet-wide by one line, and its snapshot looks as ever', async () => {
    const clock = new VirtualClock()
    const redis = new RedisModel(clock)
    const platforms = [1, 2].map(() => {
      const connection = redis.connect()
      const fleet = new Fleet(connection, { redis: connection, clock })
      void fleet.begin()
      return createResilience({
        clock,
        fleet,
        services: {
          alpaca: { profile: 'BROKER', retry: false, rateLimiter: { tokensPerSecond: 1, burstSize: 2 } },
          quotes: { profile: 'INTERNAL', fleet: false, rateLimiter: { tokensPerSecond: 1, burstSize: 2 } },
        },
      })
    })
    await clock.advance(FULL_MS)
    const answered = { alpaca: 0, quotes: 0 }
    for (const platform of platforms) {
      for (const name of ['alpaca', 'quotes'] as const) {
        for (let call = 0; call < 4; call++) {
          const outcome = platform.service(name).execute(() => Promise.resolve('ok'), { timeoutMs: 300 })
          void outcome.then(
            () => answered[name]++,
            () => undefined,
          )
        }
      }
    }
    await clock.advance(400)
    expect(answered).toEqual({ alpaca: 2, quotes: 4 })
    expect(platforms[0]?.snapshot().services.alpaca?.rateLimiter).toMatchObject({ tokensPerSecond: 1, burstSize: 2 })
  })
})
