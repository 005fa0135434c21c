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
import { Agent, request } from 'node:http'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import type { Priority } from '@holdfast/http'
import { loadShedding } from '@holdfast/http/fastify'
import { seededRandom } from '@holdfast/testing'
import { fastify } from 'fastify'
import { systemClock } from 'holdfast'

/** How long a client waits for its answer, in milliseconds. */
const PATIENCE_MS = 1_000

/** How long the clients ask to find out how much can be answered, and then how long for the measurement, in milliseconds. */
const [CALIBRATION_MS, DURATION_MS] = process.argv.includes('--short') ? [700, 1_500] : [2_000, 10_000]

const PRIORITIES = ['critical', 'normal', 'background'] as const

/** What clients are to do: so many requests a second, or as many as eight of them can have answered. */
interface Load {
  readonly port: number
  readonly perSecond: number | 'as many as it answers'
  readonly durationMs: number
}

/** What became of requests of one priority. */
interface Outcome {
  asked: number
  /** Answered 200 in time. */
  answered: number
  /** Answered 503 with Retry-After. */
  turnedAway: number
  /** No answer in time, or none at all. */
  lost: number
}

type Outcomes = Record<Priority, Outcome>

if (isMainThread) await measure()
else parentPort?.postMessage(await ask(workerData))

// The server.

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
  const outcomes = await clients({ port, perSecond, durationMs })
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

function clients(load: Load): Promise<Outcomes> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: load })
    worker.once('message', resolve).once('error', reject)
  })
}

function lineOf(priority: Priority, { asked, answered, turnedAway, lost }: Outcome): string {
  const share = ((answered / asked) * 100).toFixed(1)
  return `  ${priority.padEnd(10)} ${share.padStart(5)} % answered in time; of ${asked}: ${turnedAway} turned away with 503 and Retry-After, ${lost} lost`
}

// The clients.

async function ask({ port, perSecond, durationMs }: Load): Promise<Outcomes> {
  const random = seededRandom(7)
  const agent = new Agent({ keepAlive: true, maxSockets: 2_000 })
  const outcomes: Outcomes = { critical: none(), normal: none(), background: none() }
  const end = systemClock.now() + durationMs
  const one = async (): Promise<void> => {
    const draw = random()
    const priority = draw < 0.2 ? 'critical' : draw < 0.66 ? 'normal' : 'background'
    outcomes[priority].asked++
    outcomes[priority][await outcomeOf(port, `/${priority}`, agent)]++
  }
  if (perSecond === 'as many as it answers') {
    const client = async (): Promise<void> => {
      while (systemClock.now() < end) await one()
    }
    await Promise.all(Array.from({ length: 8 }, client))
  } else {
    const begun: Promise<void>[] = []
    // Asks what should have been asked by now, so that a late timer makes no fewer.
    for (let start = systemClock.now(); systemClock.now() < end; await pause(5)) {
      while (begun.length < ((systemClock.now() - start) * perSecond) / 1_000) begun.push(one())
    }
    await Promise.all(begun)
  }
  agent.destroy()
  return outcomes
}

function none(): Outcome {
  return { asked: 0, answered: 0, turnedAway: 0, lost: 0 }
}

function outcomeOf(port: number, path: string, agent: Agent): Promise<'answered' | 'turnedAway' | 'lost'> {
  return new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', port, path, agent }, (answer) => {
      const { statusCode, headers } = answer
      const turnedAway = statusCode === 503 && headers['retry-after'] !== undefined
      answer.resume().on('end', () => {
        patience.cancel()
        resolve(statusCode === 200 ? 'answered' : turnedAway ? 'turnedAway' : 'lost')
      })
    })
    const patience = systemClock.setTimer(() => asked.destroy(), PATIENCE_MS)
    asked.on('close', () => {
      patience.cancel()
      resolve('lost')
    })
    asked.on('error', () => resolve('lost'))
    asked.end()
  })
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => void systemClock.setTimer(resolve, durationMs))
}
