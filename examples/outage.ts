/**
 * An outage, measured: the broker hangs, and nothing else notices.
 *
 * Starts the stand-ins and the gateway on free ports, reads from the provider 200 times at once (five times) with everything well, lets the broker
 * hang, asks again while calls to the broker pile up, and then measures what the broker's routes answer once its circuit is
 * open. Everything goes over real sockets and through the real SDKs.
 *
 * Ends with an error when an answer is not the one that is promised.
 *
 *   npm run outage
 */
import { createGateway, guardUpstreams } from '@holdfast/gateway'
import { startUpstreams } from '@holdfast/upstreams'
import { systemClock } from 'holdfast'

const READS = 200
const standIns = await startUpstreams({ ports: { control: 0, alpaca: 0, polygon: 0 } })
standIns.control.setLimits('polygon', { requests: { requests: 1_000_000, windowMs: 1_000, window: 'rolling' } })
const upstreams = guardUpstreams(
  {
    alpaca: { keyId: 'stand-in', secretKey: 'stand-in', paper: true, tradingUrl: standIns.urls.alpaca },
    polygon: { apiKey: 'stand-in', baseUrl: standIns.urls.polygon },
  },
  {
    marketTime: () => standIns.control.marketTime,
    overrides: {
      // The profile, but with 1 s instead of 5 s for an attempt, so that the script is over soon, and with no probe while the
      // answers of an open circuit are measured.
      alpaca: { attemptTimeoutMs: 1_000, circuitBreaker: { minProbeIntervalMs: 15_000 } },
      polygon: {
        rateLimiter: { tokensPerSecond: 10_000, burstSize: 10_000 },
        bulkhead: { maxConcurrent: 50, maxQueue: 500 },
      },
    },
  },
)
// Clients, gateway and stand-ins share this process: how late its event loop is says nothing about the gateway alone.
const gateway = await createGateway({
  upstreams,
  limits: { tokensPerSecond: 100_000, burstSize: 100_000 },
  shedding: { maxInFlight: 1_000 },
})
const address = await gateway.app.listen({ host: '127.0.0.1', port: 0 })

interface Timed {
  readonly status: number
  readonly durationMs: number
}

async function ask(path: string, method = 'GET', body?: object): Promise<Timed> {
  const startedAt = systemClock.now()
  const sent = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
  const answer = await fetch(`${address}${path}`, { method, ...sent })
  await answer.arrayBuffer()
  return { status: answer.status, durationMs: systemClock.now() - startedAt }
}

/** The same question again and again, each asked when the one before is answered. */
async function inTurn(times: number, path: string, method?: string, body?: object): Promise<Timed[]> {
  const answers: Timed[] = []
  for (let call = 0; call < times; call++) answers.push(await ask(path, method, body))
  return answers
}

/** So many reads at once, and again until there have been `rounds`: one round alone says little. */
async function atOnce(rounds: number, pathOf: (read: number) => string): Promise<Timed[]> {
  const answers: Timed[] = []
  for (let round = 0; round < rounds; round++) {
    answers.push(...(await Promise.all(Array.from({ length: READS }, (_, read) => ask(pathOf(read))))))
  }
  return answers
}

/** The same quote: reads at the same time share one request to the provider. */
const quote = (): string => '/v1/quotes/AAPL'

/** Each a request of its own to the provider. */
const bars = (read: number): string => `/v1/bars/AAPL?from=2025-12-01&to=2025-12-31&limit=${read + 1}`

/** Never filled: far from the market. */
const order = { symbol: 'AAPL', side: 'buy', quantity: '1', type: 'limit', limitPrice: '1' }

async function tellReads(when: string): Promise<void> {
  tell(`5 × ${READS} quotes at once, ${when}`, await atOnce(5, quote), 200)
  tell(`5 × ${READS} different reads at once, ${when}`, await atOnce(5, bars), 200)
}

/** Answers that were not the ones that are promised. */
let unexpected = 0

/** @param promised the statuses that an answer may have */
function tell(what: string, answers: readonly Timed[], ...promised: readonly number[]): void {
  unexpected += answers.filter(({ status }) => !promised.includes(status)).length
  const durations = answers.map(({ durationMs }) => durationMs).sort((a, b) => a - b)
  const at = (share: number): number =>
    durations[Math.min(durations.length - 1, Math.floor(share * durations.length))] ?? 0
  const counts = new Map<number, number>()
  for (const { status } of answers) counts.set(status, (counts.get(status) ?? 0) + 1)
  const statuses = [...counts].map(([status, count]) => `${count} × ${status}`).join(', ')
  const figures = [at(0.5), at(0.99), at(1)].map((ms) => `${ms.toFixed(1).padStart(7)} ms`).join(' ')
  console.log(
    `${what.padEnd(58)} ${figures}   ${statuses.padEnd(12)} ${'▇'.repeat(Math.max(1, Math.min(30, Math.round(at(0.5) / 8))))}`,
  )
}

console.log(`${''.padEnd(58)} ${'median'.padStart(10)} ${'99 %'.padStart(10)} ${'slowest'.padStart(10)}   answers`)
await atOnce(10, quote)
await atOnce(10, bars)
tell('5 × POST /v1/orders, all well', await inTurn(5, '/v1/orders', 'POST', order), 201)
await tellReads('all well')
const before = standIns.control.ledger().length

standIns.control.setFaults('alpaca', { action: { type: 'hang' } })
const hanging = Array.from({ length: 20 }, () => ask('/v1/account'))
await tellReads('20 broker calls hang')
tell('those 20 broker calls', await Promise.all(hanging), 504, 503)

// While our own event loop is busy with thousands of reads a timeout proves nothing; now it is not.
const circuit = upstreams.resilience.service('alpaca').circuitBreaker
for (let call = 0; call < 10 && circuit?.state !== 'OPEN'; call++) await ask('/v1/account')
const state = circuit?.state
await tellReads(`circuit ${state}`)
for (const [method, path] of [
  ['GET', '/v1/account'],
  ['GET', '/v1/positions'],
  ['GET', '/v1/orders/some-order'],
] as const) {
  tell(`50 × ${method} ${path}`, await inTurn(50, path, method), 503)
}
tell('50 × POST /v1/orders', await inTurn(50, '/v1/orders', 'POST', order), 503)
// A cancellation passes the open circuit, as a probe: the order that it is about may be filled at any moment.
tell('1 × DELETE /v1/orders/some-order', await inTurn(1, '/v1/orders/some-order', 'DELETE'), 504)
const during = standIns.control.ledger().length - before
standIns.control.clearFaults('alpaca')
await tellReads('all well again')
console.log(`orders that reached the broker: ${before} before the outage, ${during} while the circuit was open`)

await gateway.stop()
await standIns.close()
if (unexpected > 0 || during > 0) {
  console.error(`${unexpected} answers were not the promised ones; look at the lines above`)
  process.exitCode = 1
}
