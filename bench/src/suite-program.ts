/** One suite, in a process of its own: `node suite-program.ts <name> <effort as JSON>`. */
import { z } from 'zod'
import { timingsOf } from './measure.ts'
import { SUITES } from './suites/index.ts'

const effort = z.object({
  rounds: z.number(),
  turnMs: z.number(),
  warmUpMs: z.number(),
  calls: z.number().optional(),
})

const [name = '', effortText = ''] = process.argv.slice(2)
const suite = SUITES.find((one) => one.name === name)
if (suite === undefined) throw new Error(`usage: <name> <effort>; there is no suite "${name}"`)
const timings = await timingsOf(suite, effort.parse(JSON.parse(effortText)))
process.send?.(timings, () => process.exit())
