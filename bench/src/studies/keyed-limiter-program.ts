/** One contestant of the keyed limiter, in a process of its own: `node --expose-gc keyed-limiter-program.ts <name> <clients>`. */
import { systemClock, systemRandom } from 'holdfast'
import { STORES } from './keyed-limiter-stores.ts'

const [name = '', clientsText = ''] = process.argv.slice(2)
const clients = Number(clientsText)
const store = STORES[name]
const { gc } = globalThis
if (store === undefined || gc === undefined || !(clients > 0)) throw new Error('usage: --expose-gc <name> <clients>')

const keys = Array.from({ length: clients }, (_, index) => `client-${index.toString(36)}`)
// Each is flat and hashed, as one that a server has read from a socket and looked up would be.
const known = new Set(keys)
const hits: Uint32Array = Uint32Array.from({ length: Math.min(clients, 200_000) }, () =>
  Math.floor(systemRandom() * clients),
)

function used(): number {
  gc?.()
  gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const before = used()
const hit = store.make(clients)
let longestPauseMs = 0
for (const key of keys) {
  const begun = systemClock.now()
  const answer = hit(key)
  longestPauseMs = Math.max(longestPauseMs, systemClock.now() - begun)
  if (answer instanceof Promise) await answer
}
const bytesPerClient = (used() - before) / known.size

async function hitAll(): Promise<number> {
  const begun = systemClock.now()
  for (const index of hits) {
    const answer = hit(keys[index] ?? '')
    if (answer instanceof Promise) await answer
  }
  return ((systemClock.now() - begun) * 1e6) / hits.length
}

await hitAll()
const hitNs = Math.min(await hitAll(), await hitAll())
const gcBegun = systemClock.now()
gc()
const gcMs = systemClock.now() - gcBegun
process.send?.({ bytesPerClient, hitNs, longestPauseMs, gcMs }, () => process.exit())
