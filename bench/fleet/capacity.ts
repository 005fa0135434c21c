/** How large a fleet can be: the model of the scripts in virtual time counts the questions, a real Redis has measured one. */

import { connectFleet, type Fleet, fleetRateLimiter } from '@holdfast/redis'
import { RedisModel, VirtualClock } from '@holdfast/testing'

/** A fleet that is looked at. */
export interface Size {
  readonly processes: number
  /** Limits that each process uses all the time. */
  readonly limits: number
}

/** What it asks. */
export interface Capacity extends Size {
  readonly questionsPerSecond: number
}

/** From two processes to a thousand. */
export const SIZES: readonly Size[] = [
  { processes: 2, limits: 1 },
  { processes: 2, limits: 5 },
  { processes: 10, limits: 1 },
  { processes: 10, limits: 5 },
  { processes: 100, limits: 1 },
  { processes: 100, limits: 5 },
  { processes: 1_000, limits: 1 },
  { processes: 1_000, limits: 5 },
]

/** A limit that all use, as large as the fleet: each process has 100 calls a second of it. */
const RATE_PER_PROCESS = 100
const CALL_EVERY_MS = 20

/** Not looked at: until Redis remembers and every process has its part. */
const BEGINNING_MS = 4_000

/** Plays a fleet for a second of virtual time, and counts the scripts that the model ran. */
export async function capacityOf({ processes, limits }: Size): Promise<Capacity> {
  const clock = new VirtualClock()
  const redis = new RedisModel(clock)
  const fleets: Fleet[] = []
  let stopped = false
  for (let process = 0; process < processes; process++) {
    const connecting = connectFleet({ redis: redis.connect(), clock, processId: `p${process}` })
    // Processes do not start all at once.
    await clock.advance(1_000 / processes)
    fleets.push(await connecting)
  }
  const limiters = fleets.flatMap((fleet) =>
    Array.from({ length: limits }, (_, index) =>
      fleetRateLimiter(fleet, `limit-${index}`, {
        tokensPerSecond: RATE_PER_PROCESS * processes,
        burstSize: RATE_PER_PROCESS * processes,
      }),
    ),
  )
  for (const [index, limiter] of limiters.entries()) {
    const call = (): void => {
      limiter.tryAcquire()
      if (!stopped) clock.setTimer(call, CALL_EVERY_MS)
    }
    clock.setTimer(call, (index * CALL_EVERY_MS) / limiters.length)
  }
  await clock.advance(BEGINNING_MS)
  const before = redis.questions
  await clock.advance(1_000)
  stopped = true
  return { processes, limits, questionsPerSecond: redis.questions - before }
}
