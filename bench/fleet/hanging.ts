/** A Redis that stands still: what it adds to a call. */
import { connectFleet, fleetRateLimiter } from '@holdfast/redis'
import type { RedisServer } from '@holdfast/testing/redis-server'
import { systemClock } from 'holdfast'

/** The first calls may pay: they find out. */
const FIRST = 5
const CALLS = 1_000

/** What a decision took while Redis hung, after the first five, in milliseconds. */
export interface Hanging {
  readonly first: readonly number[]
  readonly median: number
  readonly p99: number
}

/** Stops the server, decides a thousand times, a millisecond apart, and lets it go on. */
export async function hanging(server: RedisServer): Promise<Hanging> {
  const fleet = await connectFleet({ redis: server.url })
  const limiter = fleetRateLimiter(fleet, 'hanging', { tokensPerSecond: 1_000, burstSize: 100 })
  const took: number[] = []
  try {
    while (!limiter.tryAcquire().allowed) await pause(20)
    server.pause()
    for (let call = 0; call < CALLS; call++) {
      const begun = systemClock.now()
      await limiter.decide()
      took.push(systemClock.now() - begun)
      await pause(1)
    }
  } finally {
    server.resume()
    await fleet.close()
  }
  const rest = took.slice(FIRST).toSorted((left, right) => left - right)
  return {
    first: took.slice(0, FIRST),
    median: rest[Math.floor(rest.length / 2)] ?? Number.NaN,
    p99: rest[Math.floor(rest.length * 0.99)] ?? Number.NaN,
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void systemClock.setTimer(resolve, ms))
}
