/** Many clients on a real server: more than one question holds, and more than a small hash. */
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { describe, expect, it, vi } from 'vitest'
import { connectFleet, type Fleet, fleetRateLimiter } from '../../src/index.ts'
import { PATIENCE } from '../support/real-fleet.ts'
import { redisServer } from '../support/server.ts'

const CLIENTS = 500
const LIMIT = { tokensPerSecond: 1, burstSize: 2 }

/** Answers that were missed, and tokens that came too late to be spent. */
function lostBy(fleet: Fleet): number {
  const { granted = 0, spent = 0, givenBack = 0 } = fleet.snapshot().limits.many ?? {}
  return fleet.home.breaker.snapshot().totals.failures + granted - spent - givenBack
}

describe('many clients of a fleet', () => {
  it('each have their limit in all processes together, and every key expires', { timeout: 120_000 }, async (test) => {
    const server = await redisServer(test)
    const redis = new Redis(server.url)
    test.onTestFinished(() => redis.disconnect())
    const fleets = await Promise.all([1, 2].map(() => connectFleet({ redis: server.url, timeLimitMs: 200 })))
    test.onTestFinished(async () => void (await Promise.all(fleets.map((fleet) => fleet.close()))))
    const limiters = fleets.map((fleet) => fleetRateLimiter(fleet, 'many', { perClient: LIMIT }))
    const decide = async (client: number): Promise<readonly boolean[]> => {
      const decisions = limiters.flatMap((limiter) => [1, 2, 3].map(() => limiter.decide({ client })))
      return (await Promise.all(decisions)).map(({ allowed }) => allowed)
    }
    // Redis begins to remember, and two tokens flow in.
    while (!(await decide(-1)).some((allowed) => allowed)) await delay(100)
    await delay(2_500)
    const lost = (): number => fleets.reduce((sum, fleet) => sum + lostBy(fleet), 0)
    for (let first = 0, before = Number.NaN; before !== lost(); first += CLIENTS) {
      await vi.waitUntil(() => fleets.every(({ home }) => home.available), PATIENCE)
      before = lost()
      const begun = performance.now()
      const decided = await Promise.all(Array.from({ length: CLIENTS }, (_, client) => decide(first + client)))
      const flowedIn = Math.floor((performance.now() - begun) / 1_000) * LIMIT.tokensPerSecond
      const admitted = decided.map((allowed) => allowed.filter((one) => one).length)
      expect(Math.max(...admitted)).toBeLessThanOrEqual(LIMIT.burstSize + flowedIn)
      // What was lost on the way nobody was admitted for: then others are asked about.
      if (before === lost()) expect(Math.min(...admitted)).toBeGreaterThanOrEqual(LIMIT.burstSize)
    }
    const keys = await redis.keys('*')
    expect(keys.length).toBeLessThan(10)
    for (const key of keys) expect([key, (await redis.pttl(key)) > 0]).toEqual([key, true])
  })
})
