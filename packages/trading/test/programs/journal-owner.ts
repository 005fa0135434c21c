/**
 * A process that owns an account until it is killed: prints "claimed", and then the id of each order once it is on disk.
 *
 *   node --conditions=development journal-owner.ts <file> <account> [orders at once]
 */
import { openJournal } from '../../src/journal/index.ts'
import { intentCalled } from '../journal/intents.ts'

const [, , path = '', account = '', parallel = '0'] = process.argv
const journal = await (await openJournal(path, { leaseMs: 400 })).claim(account)
console.log('claimed')
setInterval(() => undefined, 60_000)
let count = 0
for (let writer = 0; writer < Number(parallel); writer++) void write()

async function write(): Promise<void> {
  for (;;) {
    const clientOrderId = `order-${process.pid}-${count++}`
    const at = count
    await Promise.all([
      journal.note({ type: 'intended', clientOrderId, at, intent: intentCalled(clientOrderId) }),
      journal.note({ type: 'sending', clientOrderId, at, attempt: 1 }),
    ])
    console.log(clientOrderId)
  }
}
