/** How many decisions a process gets in a second, and what each costs Redis. */
import { systemClock } from 'holdfast'
import { Redis } from 'ioredis'
import type { Contestant, Decide } from './contestants.ts'

/** What was found out about one contestant. */
export interface Throughput {
  readonly decisionsPerSecond: number
  /** Of Redis's CPU, user and system, in microseconds. */
  readonly redisMicrosecondsPerDecision: number
}

/** How many decisions are under way at a time. */
const IN_FLIGHT = 256

/** Runs for so long, after a tenth of it to warm up. */
export async function throughputOf(
  contestant: Contestant,
  kind: 'hot' | 'cold',
  redisUrl: string,
  forMs: number,
): Promise<Throughput> {
  const operator = new Redis(redisUrl)
  const limiter = await contestant.open(redisUrl)
  let asked = 0
  const keyOf = kind === 'hot' ? (): string => 'all' : (): string => `client-${contestant.name}-${asked++}`
  const decide = limiter[kind]
  try {
    await decisionsIn(decide, keyOf, forMs / 10)
    const cpuBefore = await cpuMicroseconds(operator)
    const begun = systemClock.now()
    const decisions = await decisionsIn(decide, keyOf, forMs)
    const tookMs = systemClock.now() - begun
    const cpu = (await cpuMicroseconds(operator)) - cpuBefore
    return {
      decisionsPerSecond: (decisions / tookMs) * 1_000,
      redisMicrosecondsPerDecision: cpu / decisions,
    }
  } finally {
    await limiter.close()
    operator.disconnect()
  }
}

/**
 * All loops together; each asks for the next decision when it has one. Whoever refuses is not counted: nobody is to be
 * refused, and more than one in twenty ends the run.
 */
async function decisionsIn(decide: Decide, keyOf: () => string, forMs: number): Promise<number> {
  const until = systemClock.now() + forMs
  let decided = 0
  let refused = 0
  const loop = async (): Promise<void> => {
    while (systemClock.now() < until) {
      const before = refused
      // Whoever answers at once is asked a hundred times before others have their turn.
      for (let call = 0; call < 100 && refused === before; call++) {
        const answer = decide(keyOf())
        const isWaiting = answer instanceof Promise
        if (isWaiting ? await answer : answer) decided++
        else refused++
        if (isWaiting) break
      }
      // Sockets and timers must have their turn too.
      if (refused > before) await pause(100)
      else if (decided % 10_000 < 100) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, loop))
  if (refused * 20 > decided) throw new Error(`${refused} calls were refused beside ${decided} that went`)
  return decided
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void systemClock.setTimer(resolve, ms))
}

async function cpuMicroseconds(redis: Redis): Promise<number> {
  const info = await redis.info('cpu')
  const seconds = (name: string): number => Number(new RegExp(`${name}:([\\d.]+)`).exec(info)?.[1] ?? Number.NaN)
  return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1e6
}
