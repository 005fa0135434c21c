/** After two processes have found a service failing: how long until the others refuse. */
import { connectFleet, type Fleet, fleetCircuitBreaker } from '@holdfast/redis'
import { type CircuitBreaker, systemClock } from 'holdfast'
import { Redis } from 'ioredis'
import { quantile } from '../src/measure.ts'

const MEMBERS = 100

/** From the second process's opening to the refusals of the others, in milliseconds. */
export interface CircuitSpread {
  readonly members: number
  readonly rounds: number
  readonly median: number
  readonly p99: number
}

/** A hundred members, each with connections of its own, in one process: what a message takes, and a look if it is lost. */
export async function circuitSpread(redisUrl: string, rounds: number): Promise<CircuitSpread> {
  const fleets: Fleet[] = []
  const tookMs: number[] = []
  const operator = new Redis(redisUrl)
  try {
    for (let member = 0; member < MEMBERS; member++) fleets.push(await connectFleet({ redis: redisUrl }))
    for (let round = 0; round < rounds; round++) tookMs.push(...(await spread(fleets, `service-${round}`, operator)))
  } finally {
    operator.disconnect()
    await Promise.all(fleets.map((fleet) => fleet.close()))
  }
  return { members: MEMBERS, rounds, median: quantile(tookMs, 0.5), p99: quantile(tookMs, 0.99) }
}

async function spread(fleets: readonly Fleet[], service: string, operator: Redis): Promise<number[]> {
  let decidedAt = 0
  const tookMs: number[] = []
  const breakers = fleets.map((fleet) =>
    fleetCircuitBreaker(fleet, service, {
      failureThreshold: 3,
      onStateChange: ({ reason }) => {
        if (reason === 'fleet-opened') tookMs.push(systemClock.now() - decidedAt)
      },
    }),
  )
  while ((await listenersTo(service, operator)) < fleets.length) await pause(50)
  // Every member has been told that all is well.
  await pause(1_000)
  const [first, second] = breakers
  await fails(first)
  await pause(100)
  decidedAt = systemClock.now()
  await fails(second)
  while (tookMs.length < fleets.length) await pause(5)
  return tookMs
}

/** Who connects while the circuit opens learns of it by looking, a second later: that is not what is measured. */
async function listenersTo(service: string, operator: Redis): Promise<number> {
  const [channel = ''] = (await operator.pubsub('CHANNELS', `*:${service}:*`)).map(String)
  const [, listeners] = await operator.pubsub('NUMSUB', channel)
  return Number(listeners ?? 0)
}

async function fails(breaker: CircuitBreaker | undefined): Promise<void> {
  for (let call = 0; call < 3; call++) {
    await breaker?.execute(() => Promise.reject(new Error('socket hang up'))).catch(() => undefined)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void systemClock.setTimer(resolve, ms))
}
