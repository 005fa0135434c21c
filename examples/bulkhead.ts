/**
 * One service hangs. Its bulkhead fills up and refuses; the calls to the other service do not notice.
 *
 *   node --conditions=development examples/bulkhead.ts
 */
import { Bulkhead, isRejection, TimeoutError } from 'holdfast'

const slots = { broker: new Bulkhead({ maxConcurrent: 2, maxQueue: 2, acquireTimeoutMs: 100 }), data: new Bulkhead() }

const hang = (): Promise<string> => new Promise(() => {})
const answer = async (): Promise<string> => 'answered'

async function outcome(call: Promise<string>): Promise<string> {
  try {
    return await call
  } catch (error) {
    if (isRejection(error)) return `refused (${error.message.split(':')[0]})`
    return error instanceof TimeoutError ? `timed out after ${error.timeoutMs} ms` : String(error)
  }
}

const toBroker = Array.from({ length: 6 }, () => outcome(slots.broker.execute(hang, { timeoutMs: 300 })))
const toData = Array.from({ length: 6 }, () => outcome(slots.data.execute(answer)))

console.log(`6 calls to the data provider: ${(await Promise.all(toData)).join(', ')}`)
for (const [index, ended] of (await Promise.all(toBroker)).entries())
  console.log(`call ${index + 1} to the broker: ${ended}`)
const { active, abandoned } = slots.broker.snapshot()
console.log(`slots taken by calls that were given up and still run: ${abandoned} of ${active}`)
