/** Orders under lost acknowledgements, refused connections, hangs and kills: none doubled, none lost. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRandom } from '@holdfast/testing'
import { startUpstreams } from '@holdfast/upstreams'
import { type Clock, systemClock } from 'holdfast'
import { KillableGateway } from './killable-gateway.ts'
import { type DrilledBroker, type Told, Trader } from './trader.ts'
import { type Verdict, verdictOf } from './verdict.ts'

/** How the drill is done. */
export interface KillDrillOptions {
  readonly broker: DrilledBroker
  readonly orders: number
  readonly kills: number
  readonly seed: number
  /** Orders that are wanted at a time. */
  readonly atOnce: number
  /** Told after each order how many are done, and how many kills there were. */
  readonly tick: (done: number, kills: number) => void
  readonly clock?: Clock
}

/** What it came to. */
export interface KillDrillResult extends Verdict {
  readonly seed: number
  readonly kills: number
  readonly requests: number
  readonly unanswered: number
  readonly durationMs: number
}

/** Nobody listens there, and no process is ever given that port. */
const CLOSED_PORT = 2

const REFUSED_SHARE = 0.1

/** Lost acknowledgements and hangs, in shares of all submissions. A look may be lost or hang as well. */
const FAULTS_OF_ALPACA = [
  { match: { method: 'POST', path: '^/v2/orders$', probability: 0.1 }, action: { type: 'resetAfter' } },
  {
    match: { method: 'POST', path: '^/v2/orders$', probability: 0.025 / 0.9 },
    action: { type: 'hang', where: 'after' },
  },
  {
    match: { method: 'POST', path: '^/v2/orders$', probability: 0.025 / 0.875 },
    action: { type: 'hang', where: 'before' },
  },
  { match: { method: 'GET', probability: 0.1 }, action: { type: 'reset' } },
  { match: { method: 'GET', probability: 0.05 }, action: { type: 'hang' } },
]

/**
 * The same for TWS, which hangs about one order: it is executed or not, and nothing is ever told of it. Beyond that one order
 * in 500 makes the connection, which all share, fall silent or break, and takes those that are under way with it.
 */
const FAULTS_OF_TWS = [
  { match: { msgId: 3, probability: 0.0005 }, action: { type: 'hang', where: 'after' } },
  { match: { msgId: 3, probability: 0.0005 }, action: { type: 'hang', where: 'before' } },
  { match: { msgId: 3, probability: 0.0005 }, action: { type: 'dieOnSubmit', where: 'after' } },
  { match: { msgId: 3, probability: 0.0005 }, action: { type: 'dieOnSubmit', where: 'before' } },
  { match: { msgId: 3, probability: 0.125 }, action: { type: 'dropAck', where: 'after' } },
  { match: { msgId: 3, probability: 0.025 / 0.875 }, action: { type: 'dropAck', where: 'before' } },
  { match: { probability: REFUSED_SHARE }, action: { type: 'reset', where: 'accept' } },
]

/** How long what is still in doubt at the end may take to be found, in milliseconds. TWS knows at once, or never. */
const SETTLE_MS = { alpaca: 120_000, ib: 20_000 }

export async function killDrill(options: KillDrillOptions): Promise<KillDrillResult> {
  const { broker, orders, seed, atOnce, clock = systemClock } = options
  const random = seededRandom(seed)
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-drill-'))
  const journal = join(folder, 'orders.db')
  const startedAt = clock.now()
  const standIns = await startUpstreams({ seed, ports: { control: 0, alpaca: 0, polygon: 0 } })
  const gateway = new KillableGateway({
    brokerUrl: standIns.urls.alpaca,
    twsPort: standIns.ports.ib,
    closedPort: CLOSED_PORT,
    refusedShare: REFUSED_SHARE,
    journal,
    seed,
  })
  try {
    standIns.control.setLimits('alpaca', { trading: { requests: 1e9, windowMs: 60_000, window: 'fixed' } })
    standIns.control.setLimits('ib', { messages: { requests: 1e6, windowMs: 1_000, window: 'rolling' } })
    standIns.control.setFaults(broker, broker === 'ib' ? FAULTS_OF_TWS : FAULTS_OF_ALPACA)
    await gateway.address
    const ids = Array.from({ length: orders }, (_, index) => `drill-${seed}-${index}`)
    const trader = new Trader({ address: () => gateway.address, broker, clock, random })
    const told = await trade(ids, trader, gateway, { ...options, random, atOnce })
    standIns.control.clearFaults(broker)
    const listed = await doubtAtTheEnd(await gateway.address, clock, SETTLE_MS[broker])
    await gateway.stop()
    const verdict = verdictOf({ ids, told: told.outcomes, ledger: standIns.control.ledger(broker), journal, listed })
    const { requests, unanswered } = trader
    return { ...verdict, seed, kills: told.kills, requests, unanswered, durationMs: clock.now() - startedAt }
  } finally {
    await gateway.stop()
    await standIns.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Trades all of them, and kills the gateway at random moments meanwhile. */
async function trade(
  ids: readonly string[],
  trader: Trader,
  gateway: KillableGateway,
  { kills, random, atOnce, tick }: KillDrillOptions & { readonly random: () => number },
): Promise<{ readonly outcomes: ReadonlyMap<string, Told>; readonly kills: number }> {
  const outcomes = new Map<string, Told>()
  const moments = Array.from({ length: kills }, () => Math.floor(random() * ids.length * 0.98)).sort((a, b) => a - b)
  let killing = Promise.resolve()
  let killed = 0
  let next = 0
  const worker = async (): Promise<void> => {
    for (let id = ids[next++]; id !== undefined; id = ids[next++]) {
      outcomes.set(id, await trader.trade(id))
      while (moments[0] !== undefined && outcomes.size >= moments[0]) {
        moments.shift()
        killing = killing.then(() => gateway.kill()).then(() => void killed++)
      }
      tick(outcomes.size, killed)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  await killing
  return { outcomes, kills: killed }
}

/** What the gateway still lists as in doubt, once it has had time. */
async function doubtAtTheEnd(address: string, clock: Clock, settleMs: number): Promise<ReadonlySet<string>> {
  const until = clock.now() + settleMs
  for (;;) {
    const answer = await fetch(`${address}/v1/orders/in-doubt`)
    const { orders }: { orders: { clientOrderId: string }[] } = JSON.parse(await answer.text())
    const listed = new Set(orders.map(({ clientOrderId }) => clientOrderId))
    if (listed.size === 0 || clock.now() >= until) return listed
    await new Promise<void>((resolve) => clock.setTimer(resolve, 500))
  }
}
