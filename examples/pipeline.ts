/**
 * Everything at once: a broker that fails now and then, then for good, behind one pipeline with a substitute for the answer.
 *
 *   node --conditions=development examples/pipeline.ts
 */
import { Bulkhead, type Call, CircuitBreaker, describeFailure, pipeline, RateLimiter } from 'holdfast'

const circuitBreaker = new CircuitBreaker('alpaca', { failureThreshold: 3 })
const broker = pipeline({
  timeoutMs: 1_000,
  attemptTimeoutMs: 100,
  retry: { maxRetries: 2, baseDelayMs: 10 },
  circuitBreaker,
  rateLimiter: new RateLimiter({ tokensPerSecond: 100, burstSize: 20 }),
  bulkhead: new Bulkhead({ maxConcurrent: 5 }),
  fallback: { use: (error) => `the last known account (${describeFailure(error).code})` },
})

let mood: 'flaky' | 'down' = 'flaky'

async function getAccount({ attempt }: Call): Promise<string> {
  if (mood === 'down') throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  if (attempt === 1) throw Object.assign(new Error('busy'), { status: 503 })
  return `account, at attempt ${attempt}`
}

console.log(`flaky:   ${await broker.execute(getAccount)}`)
mood = 'down'
console.log(`down:    ${await broker.execute(getAccount)}`)
console.log(`circuit: ${circuitBreaker.state}`)
console.log(`open:    ${await broker.execute(getAccount)}`)
const { started, succeeded, failed, refused, retries } = broker.totals
console.log(
  `calls: ${started} started, ${succeeded} succeeded, ${failed} failed, ${refused} refused, ${retries} retries`,
)
