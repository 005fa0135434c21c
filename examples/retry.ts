/**
 * What is retried and what is not: a broken connection is, an order that may have happened is not, a 404 never is.
 *
 *   node --conditions=development examples/retry.ts
 */
import { describeFailure, RetriesExhaustedError, type RetryOptions, retry } from 'holdfast'

const options: RetryOptions = {
  service: 'alpaca',
  maxRetries: 3,
  baseDelayMs: 20,
  onRetry: ({ attempt, delayMs }) => console.log(`  attempt ${attempt} failed, waits ${Math.round(delayMs)} ms`),
}
const hangUp = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })

async function tell(what: string, answer: Promise<string>): Promise<void> {
  console.log(what)
  try {
    console.log(`  ${await answer}`)
  } catch (error) {
    const { kind } = describeFailure(error)
    const attempts = error instanceof RetriesExhaustedError ? error.attempts.length : 1
    console.log(`  gave up after ${attempts} (${kind}): ${error}`)
  }
}

await tell(
  'a read that fails twice',
  retry(({ attempt }) => (attempt < 3 ? Promise.reject(hangUp) : `answered at attempt ${attempt}`), options),
)
await tell(
  'a read that always fails',
  retry(() => Promise.reject(hangUp), options),
)
await tell(
  'an order that may have reached the broker',
  retry(() => Promise.reject(hangUp), { ...options, idempotent: false }),
)
await tell(
  'a symbol that does not exist',
  retry(() => Promise.reject(Object.assign(new Error('no such symbol'), { status: 404 })), options),
)
