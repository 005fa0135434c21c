/** Makes ten million calls through everything there is and prints by how many bytes the heap grew in each three after the first. */
import { createResilience } from 'holdfast'

const MILLION = 1_000_000

const { gc } = globalThis
if (gc === undefined) throw new Error('run it with --expose-gc')

const unlimited = { tokensPerSecond: 1e9, burstSize: 1e9 }
const resilience = createResilience({
  services: {
    alpaca: {
      profile: 'INTERNAL',
      circuitBreaker: { failureThreshold: 1_000, failureRate: 0.5, slowCallMs: 1_000, windowMs: 1_000 },
      rateLimiter: { ...unlimited, perClient: unlimited },
      retry: { maxRetries: 1, baseDelayMs: 1, maxDelayMs: 1 },
    },
    polygon: { profile: 'INTERNAL', circuitBreaker: { failureThreshold: 1 } },
  },
})
const alpaca = resilience.service('alpaca')
const closed = resilience.service('polygon')
closed.circuitBreaker?.trip()

const failure = Object.assign(new Error('unavailable'), { status: 400 })
const answers = async (): Promise<number> => 1
const fails = async (): Promise<never> => {
  throw failure
}
const OPERATIONS = Array.from({ length: 200 }, (_, index) => `operation ${index}`)

async function make(calls: number): Promise<void> {
  for (let call = 0; call < calls; call += 100) {
    for (let plain = 0; plain < 95; plain++) await alpaca.execute(answers)
    await alpaca.execute(answers, { operation: OPERATIONS[(call / 100) % 200], client: call % 1_000 })
    await alpaca.execute(answers, { signal: new AbortController().signal })
    await Promise.all([alpaca.execute(answers), alpaca.execute(fails).catch(() => undefined)])
    await closed.execute(answers).catch(() => undefined)
  }
}

/** Some garbage is only free after another look: weak references, finished timers. */
async function heapUsed(): Promise<number> {
  for (let look = 0; look < 4; look++) {
    gc?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return process.memoryUsage().heapUsed
}

await make(MILLION)
const grownBytes: number[] = []
for (let before = await heapUsed(); grownBytes.length < 3; ) {
  await make(3 * MILLION)
  const after = await heapUsed()
  grownBytes.push(after - before)
  before = after
}
const { calls, bulkhead } = alpaca.snapshot()
console.log(JSON.stringify({ grownBytes, inFlight: calls.inFlight, active: bulkhead?.active, calls: calls.started }))
