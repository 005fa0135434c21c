/** How much one contestant of the suite `stack` allocates: `node … garbage-program.ts <name> <calls> <least time, ms>`. */
import { systemClock } from 'holdfast'
import { quantile } from '../measure.ts'
import { stack } from '../suites/stack.ts'

const [name, callsText, leastMsText] = process.argv.slice(2)
const calls = Number(callsText)
const leastMs = Number(leastMsText)
const contestant = [stack.baseline, ...stack.contestants].find((one) => one.name === name)
if (contestant === undefined || !(calls > 0 && leastMs >= 0)) throw new Error('usage: <name> <calls> <least time, ms>')

const { call, dispose } = await contestant.prepare()

/** By how much so many calls let the heap grow. */
async function growth(): Promise<number> {
  const before = process.memoryUsage().heapUsed
  for (let count = 0; count < calls; count++) await call()
  return process.memoryUsage().heapUsed - before
}

// The median leaves aside the first, before the optimizer has done its work, and those into which a collection has fallen.
const grown: number[] = []
const until = systemClock.now() + leastMs
do grown.push(await growth())
while (systemClock.now() < until || grown.length < 5)
dispose?.()
process.send?.(quantile(grown, 0.5) / calls, () => process.exit())
