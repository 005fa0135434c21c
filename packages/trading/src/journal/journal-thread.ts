/**
 * The journal's own thread: a disk that takes its time holds up nobody but the journal. What arrives while a transaction is
 * being written goes into the next one, all at once: group commit.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { JournalCommand, JournalReply } from './journal-command.ts'
import { JournalStore } from './journal-store.ts'
import { isAlive } from './owner.ts'

/** Commands, each with the number under which it is answered. */
export type Request = readonly (readonly [number, JournalCommand])[] | 'close'

/** What comes back: replies by number, or whether the file could be opened. */
export type Response = readonly (readonly [number, JournalReply])[] | { readonly opened: true | string }

const port = parentPort
if (port === null) throw new Error('this file runs in a thread of its own')
const path: unknown = workerData
const store = open()

function open(): JournalStore | undefined {
  try {
    const opened = new JournalStore(String(path), isAlive)
    tell({ opened: true })
    return opened
  } catch (error) {
    tell({ opened: error instanceof Error ? error.message : String(error) })
    return undefined
  }
}

port.on('message', (first: Request) => {
  const requests = [first]
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    requests.push(next.message)
  }
  const numbered = requests.flatMap((request) => (request === 'close' ? [] : request))
  if (store !== undefined && numbered.length > 0) {
    const replies = store.run(numbered.map(([, command]) => command))
    tell(replies.map((reply, index) => [numbered[index]?.[0] ?? -1, reply] as const))
  }
  store?.tidy()
  if (!requests.includes('close')) return
  store?.close()
  port.close()
})

function tell(response: Response): void {
  port?.postMessage(response)
}
