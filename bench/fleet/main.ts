/** `npm run bench -- fleet [--quick]`: one limit for many processes, next to the peers, on a real redis-server. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connectFleet, fleetRateLimiter } from '@holdfast/redis'
import { startRedisServer } from '@holdfast/testing/redis-server'
import { systemClock } from 'holdfast'
import { Redis } from 'ioredis'
import { environment, versionOf } from '../src/environment.ts'
import { type Capacity, capacityOf, SIZES, type Size } from './capacity.ts'
import { capacityChart } from './chart.ts'
import { circuitSpread } from './circuit.ts'
import { CONTESTANTS } from './contestants.ts'
import { hanging } from './hanging.ts'
import { promiseKept } from './promise.ts'
import { type FleetResult, page, type Row } from './report.ts'
import { throughputOf } from './throughput.ts'

const RESULTS = fileURLToPath(new URL('../results', import.meta.url))

/** How long things run, in milliseconds, and how often. */
export interface FleetEffort {
  readonly turnMs: number
  readonly promiseMs: number
  readonly circuitRounds: number
  readonly sizes: readonly Size[]
}

/** Measures, prints, and writes `fleet.json`, `fleet.md` and `fleet.svg` into the folder, if one is given. */
export async function measureFleet(effort: FleetEffort, folder: string | undefined): Promise<FleetResult> {
  const server = await startRedisServer()
  try {
    const rows: Row[] = []
    for (const contestant of CONTESTANTS) {
      const { name, package: library } = contestant
      const hot = await throughputOf(contestant, 'hot', server.url, effort.turnMs)
      const cold = await throughputOf(contestant, 'cold', server.url, effort.turnMs)
      rows.push({ name, version: versionOf(library), hot, cold })
    }
    const result: FleetResult = {
      environment: { ...environment(), redis: await versionOfRedis(server.url) },
      rows,
      promise: await promiseKept(server.url, effort.promiseMs),
      circuit: await circuitSpread(server.url, effort.circuitRounds),
      hanging: await hanging(server),
      capacities: await capacitiesOf(effort.sizes),
      bytesPerClient: await bytesPerClient(server.url),
    }
    if (folder !== undefined) {
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, 'fleet.json'), `${JSON.stringify(result, null, 2)}\n`)
      writeFileSync(join(folder, 'fleet.md'), page(result))
      const { capacities, promise } = result
      writeFileSync(join(folder, 'fleet.svg'), capacityChart(capacities, 1e6 / promise.redisMicrosecondsPerQuestion))
    }
    return result
  } finally {
    await server.close()
  }
}

/** What the command does. */
export async function runFleet(args: readonly string[]): Promise<void> {
  const isQuick = args.includes('--quick')
  const effort = isQuick
    ? { turnMs: 1_000, promiseMs: 3_000, circuitRounds: 2, sizes: SIZES.slice(0, 4) }
    : { turnMs: 4_000, promiseMs: 20_000, circuitRounds: 10, sizes: SIZES }
  console.log(page(await measureFleet(effort, isQuick ? undefined : RESULTS)))
}

async function capacitiesOf(sizes: readonly Size[]): Promise<readonly Capacity[]> {
  const found: Capacity[] = []
  for (const size of sizes) found.push(await capacityOf(size))
  return found
}

/** By what Redis itself says of one key. */
async function bytesPerClient(url: string): Promise<number> {
  const redis = new Redis(url)
  const fleet = await connectFleet({ redis: url })
  const limiter = fleetRateLimiter(fleet, 'bytes', { perClient: { tokensPerSecond: 0.1, burstSize: 10 } })
  try {
    let key: string | undefined
    while (key === undefined) {
      await limiter.decide({ client: 'client-1234567' })
      await new Promise((resolve) => systemClock.setTimer(() => resolve(undefined), 20))
      const keys = await redis.keys('*client-1234567*')
      key = keys[0]
    }
    return Number(await redis.memory('USAGE', key))
  } finally {
    await fleet.close()
    redis.disconnect()
  }
}

async function versionOfRedis(url: string): Promise<string> {
  const redis = new Redis(url)
  const info = await redis.info('server')
  redis.disconnect()
  return /redis_version:(\S+)/.exec(info)?.[1] ?? 'unknown'
}
