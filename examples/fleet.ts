/**
 * Four gateways and one broker that allows 200 requests a minute to all of them together.
 *
 * Each gateway may send what its profile allows: 10 at once and 3 a second, 190 in the worst minute. Alone each would keep the
 * limit; four that know nothing of each other earn 429s. As a fleet on one Redis they keep it together, also while one of
 * them is killed and another takes its place. Everything is real: four processes, a redis-server, sockets, the broker's SDK.
 *
 *   npm run fleet:example                 # two minutes with the fleet, one without
 *   npm run fleet:example -- --seconds 20
 */
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startGatewayFleet } from '@holdfast/gateway/fleet'

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '120' } } })
const seconds = Number(values.seconds)

/** Calls a second, over all gateways: four times what the broker allows. */
const CALLS_PER_SECOND = 14

interface Outcome {
  readonly answered: number
  readonly turnedAway: number
  readonly lost: number
}

/** Asks for the account again and again. */
async function load(url: string, duringSeconds: number): Promise<Outcome> {
  const calls: Promise<number>[] = []
  for (let call = 0; call < duringSeconds * CALLS_PER_SECOND; call++) {
    const asked = fetch(`${url}/v1/account`).then(async (answer) => {
      await answer.arrayBuffer()
      return answer.status
    })
    // A gateway that is killed takes the calls with it that it was about to answer.
    calls.push(asked.catch(() => 0))
    await delay(1_000 / CALLS_PER_SECOND)
  }
  const statuses = await Promise.all(calls)
  const answered = statuses.filter((status) => status === 200).length
  const turnedAway = statuses.filter((status) => status === 429 || status === 503).length
  return { answered, turnedAway, lost: statuses.length - answered - turnedAway }
}

async function run(title: string, isFleet: boolean, duringSeconds: number): Promise<void> {
  const fleet = await startGatewayFleet({ processes: 4, redisUrl: isFleet ? undefined : false })
  const [first] = fleet.gateways
  const killed = delay(duringSeconds * 400).then(async () => {
    await first?.kill()
    await first?.start()
  })
  const [{ answered, turnedAway, lost }] = await Promise.all([load(fleet.url, duringSeconds), killed])
  const { requests, rateViolations } = fleet.standIns.control.stats('alpaca')
  console.log(title)
  console.log(
    `  clients: ${answered} answered, ${turnedAway} turned away by the gateways, ${lost} lost with the one that was killed`,
  )
  console.log(`  broker:  ${requests} requests, ${rateViolations} × 429`)
  await fleet.close()
}

await run('four gateways as a fleet', true, seconds)
await run('four gateways that know nothing of each other', false, Math.min(60, seconds))
