/** One contestant of the keyed limiter, in a process of its own: `node --expose-gc keyed-limiter-program.ts <name> <clients>`. */
import { systemClock, systemRandom } from 'holdfast'
import { quantile } from '../measure.ts'
import { STORES } from './keyed-limiter-stores.ts'

const [name = '', clientsText = ''] = process.argv.slice(2)
const clients = Number(clientsText)
const store = STORES[name]
const { gc } = globalThis
if (store === undefined || gc === undefined || !(clients > 0)) throw new Error('usage: --expose-gc <name> <clients>')

/** The keys as bytes, as long as each other: each time one is used it is a new string, like one that was read from a socket. */
const LENGTH = 16
const keys = Buffer.alloc(clients * LENGTH)
for (let index = 0; index < clients; index++)
  keys.write(`client-${index}`.padEnd(LENGTH, 'x'), index * LENGTH, 'latin1')
const hits = Buffer.alloc(Math.min(clients, 100_000) * LENGTH)
for (let at = 0; at < hits.length; at += LENGTH) {
  const client = Math.floor(systemRandom() * clients) * LENGTH
  keys.copy(hits, at, client, client + LENGTH)
}

function used(): number {
  gc?.()
  gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

type Hit = ReturnType<NonNullable<typeof store>['make']>

/** Lets every client come once. @returns how long the longest of these requests took, in milliseconds */
async function longestPauseOf(hit: Hit): Promise<number> {
  let longestMs = 0
  for (let at = 0; at < keys.length; at += LENGTH) {
    const key = keys.toString('latin1', at, at + LENGTH)
    const begun = systemClock.now()
    const answer = hit(key)
    longestMs = Math.max(longestMs, systemClock.now() - begun)
    if (answer instanceof Promise) await answer
  }
  return longestMs
}

/** Whatever else the machine does makes one request in a million long, so who is quick has three turns. */
const pausesMs: number[] = []
for (const begun = systemClock.now(); pausesMs.length < 2 && systemClock.now() - begun < 1_000; )
  pausesMs.push(await longestPauseOf(store.make(clients)))
const before = used()
const hit = store.make(clients)
pausesMs.push(await longestPauseOf(hit))
const longestPauseMs = quantile(pausesMs, 0.5)
const bytesPerClient = (used() - before) / (keys.length / LENGTH)
// Kept until here, so that what they take is in both figures.
keys.fill(0)

async function nanosecondsOf(use: (key: string) => unknown): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < 3; round++) {
    const begun = systemClock.now()
    for (let at = 0; at < hits.length; at += LENGTH) {
      const answer = use(hits.toString('latin1', at, at + LENGTH))
      if (answer instanceof Promise) await answer
    }
    least = Math.min(least, ((systemClock.now() - begun) * 1e6 * LENGTH) / hits.length)
  }
  return least
}

const hitNs = (await nanosecondsOf(hit)) - (await nanosecondsOf((key) => key))
const gcBegun = systemClock.now()
gc()
const gcMs = systemClock.now() - gcBegun
process.send?.({ bytesPerClient, hitNs, longestPauseMs, gcMs }, () => process.exit())
