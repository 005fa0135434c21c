/**
 * How large a fleet can be: the model of the scripts counts the questions in virtual time, and the same fleet on a real
 * Redis counts them too, with what they cost.
 */

import { connectFleet, type Fleet, fleetRateLimiter, type RedisPort } from '@holdfast/redis'
import { RedisModel, seededRandom, VirtualClock } from '@holdfast/testing'
import { type Clock, systemClock } from 'holdfast'
import { OnePort } from './one-port.ts'

/** A fleet that is looked at. */
export interface Size {
  readonly processes: number
  /** Limits that each process uses all the time. */
  readonly limits: number
  /** A limit for each of so many clients, who together make so many calls a second; none by default. */
  readonly clients?: { readonly known: number; readonly callsPerSecond: number }
}

/** What it asks. */
export interface Capacity extends Size {
  /** By the model. */
  readonly questionsPerSecond: number
  /** By a real Redis. */
  readonly real: {
    readonly questionsPerSecond: number
    /** What part of its one CPU that took, from 0 to 1. */
    readonly redisCpu: number
  }
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
  ...[1_000, 10_000].flatMap((callsPerSecond) =>
    [10, 100, 1_000].map((processes) => ({ processes, limits: 0, clients: { known: 1_000_000, callsPerSecond } })),
  ),
]

/** A limit that all use, as large as the fleet: each process has 100 calls a second of it, and makes 20. */
const RATE_PER_PROCESS = 100
const CALL_EVERY_MS = 50

/** What each client may. */
const PER_CLIENT = { tokensPerSecond: 1, burstSize: 10 }

/** Not looked at: until Redis remembers and every process has its part. */
const BEGINNING_MS = 4_000

/** Plays a fleet in virtual time, and in real time on a real Redis. @param forMs how long is looked at */
export async function capacityOf(size: Size, redisUrl: string, forMs: number): Promise<Capacity> {
  return { ...size, questionsPerSecond: await modelled(size, forMs), real: await measured(size, redisUrl, forMs) }
}

async function modelled(size: Size, forMs: number): Promise<number> {
  const clock = new VirtualClock()
  const redis = new RedisModel(clock)
  const playing = play(size, clock, () => redis.connect())
  await clock.advance(BEGINNING_MS)
  const before = redis.questions
  await clock.advance(forMs)
  const asked = redis.questions - before
  const { stop } = await playing
  stop()
  return asked / (forMs / 1_000)
}

async function measured(size: Size, redisUrl: string, forMs: number): Promise<Capacity['real']> {
  const port = await OnePort.open(redisUrl)
  try {
    const { stop } = await play(size, systemClock, () => port)
    await pause(BEGINNING_MS)
    const [begun, questions, cpu] = [systemClock.now(), port.questions, await port.cpuMs()]
    await pause(forMs)
    const tookMs = systemClock.now() - begun
    const asked = port.questions - questions
    const redisCpu = ((await port.cpuMs()) - cpu) / tookMs
    stop()
    return { questionsPerSecond: asked / (tookMs / 1_000), redisCpu }
  } finally {
    port.disconnect()
  }
}

/** Starts a fleet whose every process uses every limit all the time, and is asked by clients. */
async function play(
  { processes, limits, clients }: Size,
  clock: Clock,
  connect: () => RedisPort,
): Promise<{ readonly stop: () => void }> {
  let stopped = false
  const keyPrefix = ['fleet', processes, limits, clients?.callsPerSecond].join('-')
  const connecting = Array.from({ length: processes }, async (_, index) => {
    // Processes do not start all at once.
    await pause((index * 1_000) / processes, clock)
    return connectFleet({ redis: connect(), clock, keyPrefix, processId: `p${index}` })
  })
  const fleets: readonly Fleet[] = await Promise.all(connecting)
  const limiters = fleets.flatMap((fleet) =>
    Array.from({ length: limits }, (_, index) =>
      fleetRateLimiter(fleet, `limit-${index}`, {
        tokensPerSecond: RATE_PER_PROCESS * processes,
        burstSize: RATE_PER_PROCESS * processes,
      }),
    ),
  )
  const repeat = (call: () => unknown, everyMs: number, firstMs: number): void => {
    let due = clock.now() + firstMs
    const next = (): void => {
      call()
      due += everyMs
      // A timer that fires late must not make calls fewer.
      if (!stopped) clock.setTimer(next, Math.max(0, due - clock.now()))
    }
    clock.setTimer(next, firstMs)
  }
  for (const [index, limiter] of limiters.entries()) {
    repeat(() => limiter.tryAcquire(), CALL_EVERY_MS, (index * CALL_EVERY_MS) / limiters.length)
  }
  if (clients !== undefined) {
    const random = seededRandom(1)
    const everyMs = (processes * 1_000) / clients.callsPerSecond
    for (const [index, fleet] of fleets.entries()) {
      const limiter = fleetRateLimiter(fleet, 'clients', { perClient: PER_CLIENT, maxClients: clients.known })
      const call = () => limiter.decide({ client: `client-${Math.floor(random() * clients.known)}` })
      repeat(call, everyMs, (index * everyMs) / processes)
    }
  }
  return {
    stop: () => {
      stopped = true
      for (const fleet of fleets) void fleet.close()
    },
  }
}

function pause(ms: number, clock: Clock = systemClock): Promise<void> {
  return new Promise((resolve) => void clock.setTimer(resolve, ms))
}
