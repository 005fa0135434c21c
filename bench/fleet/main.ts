/** `npm run bench -- fleet [--quick]`: one limit for many processes, next to the peers, on a real redis-server. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectFleet, fleetRateLimiter } from '@holdfast/redis'
import { type RedisServer, startRedisServer } from '@holdfast/testing/redis-server'
import { systemClock } from 'holdfast'
import { Redis } from 'ioredis'
import { environment, versionOf } from '../src/environment.ts'
import { type Capacity, capacityOf, SIZES, type Size } from './capacity.ts'
import { capacityChart } from './chart.ts'
import { circuitSpread } from './circuit.ts'
import { CONTESTANTS } from './contestants.ts'
import { hanging } from './hanging.ts'
import { promiseKept } from './promise.ts'
import { type FleetResult, fleetTargets, page, type Row } from './report.ts'
import { type Turns, throughputs } from './throughput.ts'

/** How long things run, in milliseconds, and how often. */
export interface FleetEffort {
  readonly turns: Turns
  readonly promiseMs: number
  readonly circuitRounds: number
  readonly sizes: readonly Size[]
  readonly sizeMs: number
}

/** Measures, prints, and writes `fleet.json`, `fleet.md` and `fleet.svg` into the folder, if one is given. */
export async function measureFleet(effort: FleetEffort, folder: string | undefined): Promise<FleetResult> {
  const hot = await throughputs(CONTESTANTS, 'hot', effort.turns)
  const cold = await throughputs(CONTESTANTS, 'cold', effort.turns)
  const rows = CONTESTANTS.flatMap(({ name, package: library, isFloor = false }, index): Row[] => {
    const [ofHot, ofCold] = [hot[index], cold[index]]
    if (ofHot === undefined || ofCold === undefined) return []
    return [{ name, version: versionOf(library), isFloor, hot: ofHot, cold: ofCold }]
  })
  const capacities: Capacity[] = []
  for (const size of effort.sizes) {
    capacities.push(await withRedis(({ url }) => capacityOf(size, url, effort.sizeMs)))
  }
  const found = {
    environment: { ...environment(), redis: await withRedis(({ url }) => versionOfRedis(url)) },
    rows,
    promise: await withRedis(({ url }) => promiseKept(url, effort.promiseMs)),
    circuit: await withRedis(({ url }) => circuitSpread(url, effort.circuitRounds)),
    hanging: await withRedis(hanging),
    capacities,
    bytesPerClient: await withRedis(({ url }) => bytesPerClient(url)),
  }
  const result: FleetResult = { ...found, targets: fleetTargets(found) }
  if (folder !== undefined) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'fleet.json'), `${JSON.stringify(result, null, 2)}\n`)
    writeFileSync(join(folder, 'fleet.md'), page(result))
    writeFileSync(join(folder, 'fleet.svg'), capacityChart(result.capacities))
  }
  return result
}

/** Everything is measured on a Redis of its own: the keys of one would be work for the next. */
async function withRedis<T>(measure: (server: RedisServer) => Promise<T>): Promise<T> {
  const server = await startRedisServer()
  try {
    return await measure(server)
  } finally {
    await server.close()
  }
}

/** What the command does. @param results where a full run writes @returns whether it has */
export async function runFleet(args: readonly string[], results: string): Promise<boolean> {
  const isQuick = args.includes('--quick')
  const effort = isQuick
    ? { turns: { rounds: 3, turnMs: 500 }, promiseMs: 3_000, circuitRounds: 2, sizes: SIZES.slice(0, 4), sizeMs: 1_000 }
    : { turns: { rounds: 7, turnMs: 800 }, promiseMs: 20_000, circuitRounds: 10, sizes: SIZES, sizeMs: 3_000 }
  console.log(page(await measureFleet(effort, isQuick ? undefined : results)))
  return !isQuick
}

/** How many clients have called when it is looked at what they take. */
const CLIENTS_WEIGHED = 50_000

/** By what Redis itself says of the hashes of a limit. */
async function bytesPerClient(url: string): Promise<number> {
  const redis = new Redis(url)
  const fleet = await connectFleet({ redis: url })
  const limiter = fleetRateLimiter(fleet, 'bytes', { perClient: { tokensPerSecond: 0.1, burstSize: 10 } })
  try {
    // From the first token on, ten seconds after Redis has begun to remember.
    while (!(await limiter.decide({ client: 'first' })).allowed) await pause(100)
    for (let client = 1; client < CLIENTS_WEIGHED; client += 1_000) {
      const decisions = Array.from({ length: 1_000 }, (_, index) =>
        limiter.decide({ client: `client-${1e6 + client + index}` }),
      )
      await Promise.all(decisions)
    }
    const hashes = await redis.keys('*:bytes:client:?')
    let [bytes, clients] = [0, 0]
    for (const hash of hashes) {
      bytes += Number(await redis.memory('USAGE', hash, 'SAMPLES', 0))
      clients += await redis.hlen(hash)
    }
    return Math.round(bytes / clients)
  } finally {
    await fleet.close()
    redis.disconnect()
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void systemClock.setTimer(() => resolve(), ms))
}

async function versionOfRedis(url: string): Promise<string> {
  const redis = new Redis(url)
  const info = await redis.info('server')
  redis.disconnect()
  return /redis_version:(\S+)/.exec(info)?.[1] ?? 'unknown'
}
