/** How many decisions a process gets in a second, and what each costs Redis. */
import { seededRandom } from '@holdfast/testing'
import { type RedisServer, startRedisServer } from '@holdfast/testing/redis-server'
import { systemClock } from 'holdfast'
import { Redis } from 'ioredis'
import { quantile } from '../src/measure.ts'
import type { Contestant, Decide, Opened } from './contestants.ts'

/** What was found out about one contestant: medians of all rounds. */
export interface Throughput {
  readonly decisionsPerSecond: number
  /** Of Redis's CPU, user and system, in microseconds. */
  readonly redisMicrosecondsPerDecision: number
  /** Decisions a second in each round. */
  readonly rounds: readonly number[]
}

/** How many decisions are under way at a time. */
const IN_FLIGHT = 256

/** How often and how long each has its turn. */
export interface Turns {
  readonly rounds: number
  readonly turnMs: number
}

/**
 * Each contestant with a Redis of its own, and a turn in every round, in random order: a machine that is busy for a moment
 * is so for all. The first turn warms up and does not count.
 */
export async function throughputs(
  contestants: readonly Contestant[],
  kind: 'hot' | 'cold',
  { rounds, turnMs }: Turns,
): Promise<readonly Throughput[]> {
  const random = seededRandom(1)
  const tracks: Track[] = []
  try {
    for (const contestant of contestants) tracks.push(await Track.open(contestant, kind))
    for (const track of tracks) await track.turn(turnMs / 2)
    const counted = tracks.map(() => [] as Turn[])
    for (let round = 0; round < rounds; round++) {
      const order = [...tracks.entries()]
        .map((entry) => [random(), entry] as const)
        .sort(([one], [other]) => one - other)
      for (const [, [index, track]] of order) counted[index]?.push(await track.turn(turnMs))
    }
    return counted.map((turns) => ({
      decisionsPerSecond: quantile(
        turns.map((turn) => turn.decisionsPerSecond),
        0.5,
      ),
      redisMicrosecondsPerDecision: quantile(
        turns.map((turn) => turn.redisMicrosecondsPerDecision),
        0.5,
      ),
      rounds: turns.map((turn) => turn.decisionsPerSecond),
    }))
  } finally {
    await Promise.all(tracks.map((track) => track.close()))
  }
}

type Turn = Omit<Throughput, 'rounds'>

/** One contestant on its Redis. */
class Track {
  readonly #server: RedisServer
  readonly #operator: Redis
  readonly #limiter: Opened
  readonly #kind: 'hot' | 'cold'
  #asked = 0

  private constructor(server: RedisServer, limiter: Opened, kind: 'hot' | 'cold') {
    this.#server = server
    this.#operator = new Redis(server.url)
    this.#limiter = limiter
    this.#kind = kind
  }

  static async open(contestant: Contestant, kind: 'hot' | 'cold'): Promise<Track> {
    const server = await startRedisServer()
    return new Track(server, await contestant.open(server.url), kind)
  }

  async turn(forMs: number): Promise<Turn> {
    const keyOf = this.#kind === 'hot' ? (): string => 'all' : (): string => `client-${this.#asked++}`
    const cpuBefore = await cpuMicroseconds(this.#operator)
    const begun = systemClock.now()
    const decisions = await decisionsIn(this.#limiter[this.#kind], keyOf, forMs)
    const tookMs = systemClock.now() - begun
    const cpu = (await cpuMicroseconds(this.#operator)) - cpuBefore
    return { decisionsPerSecond: (decisions / tookMs) * 1_000, redisMicrosecondsPerDecision: cpu / decisions }
  }

  async close(): Promise<void> {
    await this.#limiter.close()
    this.#operator.disconnect()
    await this.#server.close()
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
