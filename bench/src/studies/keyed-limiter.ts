import { z } from 'zod'
import { answerOf } from '../child.ts'
import type { Effort } from '../measure.ts'
import type { Row, Study } from '../study.ts'
import { STORES } from './keyed-limiter-stores.ts'

const PROGRAM = new URL('keyed-limiter-program.ts', import.meta.url)

const answer = z.object({ bytesPerClient: z.number(), hitNs: z.number(), longestPauseMs: z.number(), gcMs: z.number() })

/** A limit for each of a million clients. */
export const keyedLimiter: Study = {
  name: 'keyed-limiter',
  title: 'a limit for each of 1,000,000 clients',
  note: 'Each in a process of its own. Every request brings its key of sixteen letters as a new string, as one that was read from a socket; making it is not counted. Bytes are heap and typed arrays after a collection, with the keys that are kept. A hit is a request of a random client that is known. The longest pause is that of one of the million first requests, the median of as many fills as there are in about a second, of three at most. The stores of express-rate-limit and @fastify/rate-limit are measured without the server round them; the latter is as large as the keys are many.',
  columns: [
    { figure: 'bytesPerClient', head: 'bytes a client', digits: 0 },
    { figure: 'hitNs', head: 'ns a hit', digits: 0 },
    { figure: 'longestPauseMs', head: 'longest pause, ms', digits: 1 },
    { figure: 'gcMs', head: 'full collection, ms', digits: 0 },
  ],
  async measure({ calls }: Effort, onRow) {
    const rows: Row[] = []
    const clients = String(calls ?? 1_000_000)
    for (const [name, { package: library }] of Object.entries(STORES)) {
      const options = ['--expose-gc', '--max-old-space-size=2048']
      const figures = answer.parse(await answerOf(PROGRAM, [name, clients], options))
      rows.push({ name, package: library, figures })
      onRow(rows.length, Object.keys(STORES).length)
    }
    return rows
  },
}
