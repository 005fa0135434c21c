/** Faults of one real redis-server under a fleet that wants more than it may: nothing goes over, and it goes on. */
import { type Clock, systemClock } from 'holdfast'
import { Redis } from 'ioredis'
import { describe, expect, it, type TestContext } from 'vitest'
import { connectFleet, FleetLimitMismatchError, FleetUnsafeRedisError } from '../../src/index.ts'
import { LoggedFleet } from '../support/logged-fleet.ts'
import { fleetOn, ioredisFor, LIMIT, nodeRedisFor, RealFleet } from '../support/real-fleet.ts'
import { redisServer } from '../support/server.ts'
import { slowWire } from '../support/slow-wire.ts'

/** Sends commands to a server as an operator would. */
function operator(test: TestContext, port: number): Redis {
  const redis = new Redis(port)
  redis.on('error', () => undefined)
  test.onTestFinished(() => redis.disconnect())
  return redis
}

describe.concurrent('a fleet keeps its limit and goes on', { timeout: 200_000 }, () => {
  it('when Redis is killed, and comes back empty while everybody is on his share', async (test) => {
    const server = await redisServer(test)
    const fleet = await fleetOn(test, server)
    await fleet.established()
    await server.kill()
    await fleet.shares()
    await fleet.admits(100)
    await server.start()
    await fleet.answered()
    await fleet.admits(200)
    expect(fleet.over).toBe(0)
  })

  it('when Redis is killed, and comes back with its data before anybody is on his share', async (test) => {
    const server = await redisServer(test, { settings: ['--appendonly', 'yes', '--appendfsync', 'always'] })
    const fleet = await fleetOn(test, server)
    await fleet.admits(100)
    await server.kill()
    await server.start()
    await fleet.answered()
    await fleet.admits(200)
    expect(fleet.over).toBe(0)
  })

  it('when Redis stands still for ten seconds, and does afterwards what it was told before', async (test) => {
    const server = await redisServer(test)
    const fleet = await fleetOn(test, server)
    await fleet.established()
    server.pause()
    await fleet.shares()
    // Nearly two seconds until they share, and nine more: shared out, the limit is all used.
    await fleet.admits(9 * LIMIT.tokensPerSecond)
    server.resume()
    await fleet.answered()
    await fleet.admits(200)
    expect(fleet.over).toBe(0)
  })

  it('when Redis forgets its scripts, and when it forgets everything', async (test) => {
    const server = await redisServer(test)
    const fleet = await fleetOn(test, server)
    await fleet.admits(100)
    await operator(test, server.port).script('FLUSH')
    await fleet.admits(100)
    await operator(test, server.port).flushall()
    await fleet.admits(200)
    expect(fleet.over).toBe(0)
  })

  it('when Redis is out of memory and throws nothing away', async (test) => {
    const server = await redisServer(test, { settings: ['--maxmemory-policy', 'noeviction'] })
    const fleet = await fleetOn(test, server)
    await fleet.established()
    await operator(test, server.port).config('SET', 'maxmemory', '1')
    await fleet.shares()
    await fleet.admits(100)
    await operator(test, server.port).config('SET', 'maxmemory', '0')
    await fleet.answered()
    await fleet.admits(200)
    expect(fleet.over).toBe(0)
  })

  it('when Redis is a replica that may only be read', async (test) => {
    const server = await redisServer(test)
    const fleet = await fleetOn(test, server)
    await fleet.established()
    await operator(test, server.port).replicaof('127.0.0.1', '1')
    await fleet.shares()
    await fleet.admits(100)
    await operator(test, server.port).replicaof('NO', 'ONE')
    await fleet.answered()
    await fleet.admits(200)
    expect(fleet.over).toBe(0)
  })

  it('when every answer takes half a second', async (test) => {
    const server = await redisServer(test)
    const wire = await slowWire(test, server.port)
    const fleet = new RealFleet(test)
    for (const client of [ioredisFor, nodeRedisFor, ioredisFor, nodeRedisFor]) await fleet.add(client(wire.url))
    await fleet.established()
    wire.latencyMs = 250
    await fleet.shares()
    await fleet.admits(200)
    wire.latencyMs = 0
    await fleet.answered()
    await fleet.admits(200)
    expect(fleet.over).toBe(0)
  })

  it('when connections are half open: they stay, and nothing comes', async (test) => {
    const server = await redisServer(test)
    const wire = await slowWire(test, server.port)
    const fleet = new RealFleet(test)
    for (const client of [ioredisFor, nodeRedisFor, ioredisFor, nodeRedisFor]) await fleet.add(client(wire.url))
    await fleet.established()
    wire.passes = false
    await fleet.shares()
    await fleet.admits(100)
    wire.passes = true
    await fleet.answered()
    await fleet.admits(200)
    expect(fleet.over).toBe(0)
  })

  it('when Redis is away and nothing is to be admitted without it', async (test) => {
    const server = await redisServer(test)
    const fleet = await fleetOn(test, server, 'deny')
    await fleet.admits(100)
    await server.kill()
    await fleet.silentFor(3_000)
    const last = Math.max(...fleet.admissions.map(({ at }) => at))
    // What was leased may be spent for as long as a lease lasts.
    expect(systemClock.now() - last).toBeGreaterThan(2_500)
    await server.start()
    await fleet.admits(200)
    expect(fleet.over).toBe(0)
  })

  it('when Redis is away and everything is to be admitted without it: then, and only then, more than the limit', async (test) => {
    const server = await redisServer(test)
    const fleet = await fleetOn(test, server, 'allow')
    await fleet.admits(100)
    await server.kill()
    await fleet.admits(300)
    expect(fleet.overWithRedis).toBe(0)
    expect(fleet.over).toBeGreaterThan(0)
  })

  it('when the clocks of its processes are an hour apart', async (test) => {
    const server = await redisServer(test)
    const fleet = new RealFleet(test)
    for (const hours of [0, 1, -1, 2]) {
      const clock: Clock = {
        ...systemClock,
        now: () => systemClock.now() + hours * 3_600_000,
        wallTime: () => systemClock.wallTime() + hours * 3_600_000,
      }
      await fleet.add(ioredisFor(server.url), { clock })
    }
    await fleet.admits(300)
    expect(fleet.over).toBe(0)
  })

  it('when a process is killed with a lease in hand, and another takes its place', async (test) => {
    const { url } = await redisServer(test)
    const fleet = new LoggedFleet(test, url)
    const [first, second] = [fleet.start(), fleet.start()]
    await Promise.all([fleet.admits(50, [first]), fleet.admits(50, [second])])
    first.kill()
    const third = fleet.start()
    await Promise.all([fleet.admits(100, [second]), fleet.admits(50, [third])])
    expect(fleet.over).toBe(0)
  })
})

describe.concurrent('a fleet says what must be put right', { timeout: 200_000 }, () => {
  it('when another has a different limit under the same name: it names both, and admits nothing itself', async (test) => {
    const server = await redisServer(test)
    const first = new RealFleet(test)
    await first.add(ioredisFor(server.url))
    await first.admits(20)
    const second = new RealFleet(test)
    await second.add(nodeRedisFor(server.url), { limit: { tokensPerSecond: 200, burstSize: 40 } })
    await first.admits(100)
    expect(second.admissions).toEqual([])
    expect(second.problems).toHaveLength(1)
    const [problem] = second.problems
    expect(problem).toBeInstanceOf(FleetLimitMismatchError)
    expect(problem?.message).toMatch(
      /^limit alpaca:global is 200 tokens a second with a burst of 40 here and 100 .* 20 with others/,
    )
  })

  it('when Redis throws keys away under pressure', async (test) => {
    const server = await redisServer(test, { settings: ['--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru'] })
    const connecting = connectFleet({ redis: server.url })
    await expect(connecting).rejects.toThrow(FleetUnsafeRedisError)
    await expect(connecting).rejects.toThrow(/allkeys-lru.*set it to noeviction/)
  })
})
