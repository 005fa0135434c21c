/** How much one contestant of the suite `stack` allocates: `node --expose-gc … garbage-program.ts <name> <calls>`. */
import { stack } from '../suites/stack.ts'

const [name, callsText] = process.argv.slice(2)
const calls = Number(callsText)
const contestant = [stack.baseline, ...stack.contestants].find((one) => one.name === name)
const { gc } = globalThis
if (contestant === undefined || gc === undefined || !(calls > 0)) throw new Error('usage: --expose-gc <name> <calls>')

const { call, dispose } = await contestant.prepare()
for (let warm = 0; warm < calls; warm++) await call()
gc()
const before = process.memoryUsage().heapUsed
for (let count = 0; count < calls; count++) await call()
const grown = process.memoryUsage().heapUsed - before
dispose?.()
process.send?.(grown / calls, () => process.exit())
