/**
 * Clients for load-shedding.ts, in a thread of their own: so many requests a second, whatever comes back, or as many as
 * eight of them can have answered.
 */
import { Agent, request } from 'node:http'
import { parentPort } from 'node:worker_threads'
import { seededRandom } from '@holdfast/testing'
import { systemClock } from 'holdfast'

/** How long a client waits for its answer, in milliseconds. */
const PATIENCE_MS = 1_000

/** What clients are to do. */
export interface Load {
  readonly port: number
  readonly perSecond: number | 'as many as it answers'
  readonly durationMs: number
}

/** What became of requests of one priority. */
export interface Outcome {
  asked: number
  /** Answered 200 in time. */
  answered: number
  /** Answered 503 with Retry-After. */
  turnedAway: number
  /** No answer in time, or none at all. */
  lost: number
}

/** The same for each priority. */
export interface Outcomes {
  readonly critical: Outcome
  readonly normal: Outcome
  readonly background: Outcome
}

parentPort?.on('message', async (load: Load) => parentPort?.postMessage(await ask(load)))

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
