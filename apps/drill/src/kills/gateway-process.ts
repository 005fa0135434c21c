/**
 * The gateway that the drill kills: the real one, with the real SDK, the journal on disk, and time limits short enough that
 * ten thousand orders with their faults are done in minutes.
 *
 *   node --conditions=development gateway-process.ts '<plan as JSON>'
 *
 * Begins when it reads a line, so that one can be loaded while another works, and prints its address once it takes orders.
 */
import { once } from 'node:events'
import { Alpaca } from '@alpacahq/alpaca-trade-api/rest'
import { createGateway, guardUpstreams } from '@holdfast/gateway'
import { seededRandom } from '@holdfast/testing'
import { connectToTws } from '@holdfast/trading/interactive-brokers'
import { openJournal } from '@holdfast/trading/journal'
import type { ServiceOptions } from 'holdfast'
import { gatewayPlan } from './gateway-plan.ts'

const plan = gatewayPlan.parse(JSON.parse(process.argv[2] ?? ''))
const random = seededRandom(plan.seed)

/** Some connections lead to a port at which nobody listens: the kernel itself refuses them. */
function reached(url: string, init?: RequestInit): Promise<Response> {
  const { pathname, search } = new URL(url)
  const base = random() < plan.refusedShare ? `http://127.0.0.1:${plan.closedPort}` : plan.brokerUrl
  return fetch(`${base}${pathname}${search}`, init)
}

await once(process.stdin, 'data')
process.stdin.destroy()
const journal = await openJournal(plan.journal)
const client = new Alpaca({ keyId: 'drill', secret: 'drill', retry: false, rateLimit: false, fetchApi: reached })
const tws = connectToTws({
  port: plan.twsPort,
  messagesPerSecond: 1_000,
  heartbeatMs: 500,
  heartbeatAnswerMs: 500,
  handshakeMs: 1_000,
  reconnectDelayMs: 20,
  maxReconnectDelayMs: 200,
})
const quick: ServiceOptions = {
  circuitBreaker: { failureThreshold: 10, recoveryTimeoutMs: 250 },
  retry: { baseDelayMs: 20 },
  rateLimiter: { tokensPerSecond: 100_000, burstSize: 100_000 },
  bulkhead: { maxConcurrent: 128, maxQueue: 1_000, acquireTimeoutMs: 2_000 },
}
const upstreams = guardUpstreams(
  { alpaca: { client }, polygon: { apiKey: 'drill', baseUrl: plan.brokerUrl }, ib: { tws } },
  {
    journal,
    orders: { submitTimeoutMs: 6_000, reconciliation: { settleMs: 400 } },
    overrides: {
      alpaca: { ...quick, timeoutMs: 4_000, attemptTimeoutMs: 1_000 },
      // A look at all orders of a day takes TWS longer than one at a single order.
      ib: { ...quick, timeoutMs: 8_000, attemptTimeoutMs: 3_000 },
    },
  },
)
const plenty = { tokensPerSecond: 1_000_000, burstSize: 1_000_000 }
const gateway = await createGateway({ upstreams, limits: plenty })
process.once('SIGTERM', () => {
  gateway
    .stop()
    .then(() => tws.close())
    .then(() => journal.close())
    .catch((error: unknown) => {
      console.error(error)
      process.exitCode = 1
    })
})
await Promise.all([...upstreams.brokers.values()].map((broker) => broker.open()))
console.log(await gateway.app.listen({ host: '127.0.0.1', port: 0 }))
