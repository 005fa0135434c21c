/**
 * Twice the load that a process can carry, measured: with load shedding the critical requests are answered, without it none.
 *
 * A server that works some milliseconds on every request finds out how many it can answer in a second. Then clients in a
 * thread of their own ask twice as often, whatever comes back: a fifth of the requests is critical, a third background. Who
 * has no answer within a second has gone. All of it over real sockets of the loopback address.
 *
 *   npm run shedding
 *   npm run shedding -- --short
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Priority } from '@holdfast/http'
import { loadShedding } from '@holdfast/http/fastify'
import { fastify } from 'fastify'
import type { Load, Outcome, Outcomes } from './load-shedding-clients.ts'

/** How long the clients ask to find out how much can be answered, and then how long for the measurement, in milliseconds. */
const [CALIBRATION_MS, DURATION_MS] = process.argv.includes('--short') ? [700, 1_500] : [2_000, 10_000]

const PRIORITIES = ['critical', 'normal', 'background'] as const

const clients = new Worker(new URL('./load-shedding-clients.ts', import.meta.url))
await measure()
await clients.terminate()

async function measure(): Promise<void> {
  const perSecond = Math.floor((await during(false, 'as many as it answers', CALIBRATION_MS)).perSecond)
  console.log(`the process can answer ${perSecond} requests a second; it is asked ${2 * perSecond} times`)
  for (const isShedding of [false, true]) {
    console.log(isShedding ? '\nwith load shedding' : '\nwithout load shedding')
    const { outcomes } = await during(isShedding, 2 * perSecond, DURATION_MS)
    for (const priority of PRIORITIES) console.log(lineOf(priority, outcomes[priority]))
  }
}

/** Lets clients ask a server that is started for them. */
async function during(isShedding: boolean, perSecond: Load['perSecond'], durationMs: number) {
  const app = fastify({ forceCloseConnections: true })
  if (isShedding) await app.register(loadShedding, { maxEventLoopDelayMs: 50 })
  for (const priority of PRIORITIES) app.get(`/${priority}`, { config: { priority } }, work)
  const port = Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port)
  const outcomes = await outcomesOf({ port, perSecond, durationMs })
  await app.close()
  const answered = PRIORITIES.reduce((sum, priority) => sum + outcomes[priority].answered, 0)
  return { outcomes, perSecond: (answered * 1_000) / durationMs }
}

/** Some milliseconds of a processor, as a report or a risk calculation takes them. */
function work(): string {
  let sum = 0
  for (let step = 0; step < 200_000; step++) sum = Math.sqrt(sum + step)
  return sum.toFixed(3)
}

async function outcomesOf(load: Load): Promise<Outcomes> {
  clients.postMessage(load)
  const [outcomes] = await once(clients, 'message')
  return outcomes
}

function lineOf(priority: Priority, { asked, answered, turnedAway, lost }: Outcome): string {
  const share = ((answered / asked) * 100).toFixed(1)
  return `  ${priority.padEnd(10)} ${share.padStart(5)} % answered in time; of ${asked}: ${turnedAway} turned away with 503 and Retry-After, ${lost} lost`
}
