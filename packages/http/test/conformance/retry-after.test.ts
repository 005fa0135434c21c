/** A client that obeys `Retry-After` is let in at its first retry, on every framework, over real sockets. */
import { seededRandom, VirtualClock } from '@holdfast/testing'
import type { Random } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { FRAMEWORKS, type Framework, type Route } from '../support/frameworks.ts'
import { ask } from '../support/raw-http.ts'

/** So many requests take longer than other tests on a machine that is busy with those, in milliseconds. */
const LIMIT_MS = 120_000

const APPLICATIONS = 20
const CLIENTS = 50

const between = (random: Random, least: number, most: number): number => least + random() * (most - least)

/** A route of each cost, among them no whole numbers. */
const ROUTES: readonly Route[] = [1, 2, 0.3, 2.75].map((cost, index) => ({
  method: 'GET',
  path: `/route-${index}`,
  limit: { cost },
  answer: () => 'done',
}))

/** Limits as nobody would write them. */
function drawLimits(random: Random) {
  return {
    tokensPerSecond: between(random, 0.5, 20),
    burstSize: between(random, 3, 8),
    perClient: [
      { tokensPerSecond: between(random, 0.05, 3), burstSize: between(random, 3, 5) },
      { tokensPerSecond: between(random, 0.001, 0.1), burstSize: between(random, 3, 8) },
    ],
  }
}

/** One client asks at random until it is turned away, waits as long as it is told, and asks once more. */
async function admittedAtFirstRetry(port: number, clock: VirtualClock, user: string, random: Random): Promise<boolean> {
  for (let request = 0; ; request++) {
    const path = ROUTES[Math.floor(random() * ROUTES.length)]?.path ?? '/'
    const { status, headers } = await ask(port, { path, headers: { 'x-user': user } })
    if (status === 429) {
      await clock.advance(Number(headers['retry-after']) * 1_000)
      return (await ask(port, { path, headers: { 'x-user': user } })).status === 200
    }
    // Ever faster, so that it is turned away some time.
    await clock.advance(between(random, 0, 1_000 / (1 + request)))
  }
}

async function countAdmitted({ serve }: Framework, seed: number): Promise<number> {
  const random = seededRandom(seed)
  let admitted = 0
  for (let application = 0; application < APPLICATIONS; application++) {
    const clock = new VirtualClock()
    const limits = {
      ...drawLimits(random),
      clock,
      user: (header: (name: string) => string | undefined) => header('x-user'),
    }
    const port = await serve({ limits, routes: ROUTES })
    for (let client = 0; client < CLIENTS; client++) {
      await clock.advance(between(random, 0, 20_000))
      if (await admittedAtFirstRetry(port, clock, `u-${client}`, random)) admitted++
    }
  }
  return admitted
}

describe.each(FRAMEWORKS)('on $name', (framework) => {
  it(
    'a client that obeys Retry-After is let in at its first retry in 1,000 of 1,000 random schedules',
    async () => {
      expect(await countAdmitted(framework, 20_261_124)).toBe(APPLICATIONS * CLIENTS)
    },
    LIMIT_MS,
  )
})
