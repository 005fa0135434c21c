import { z } from 'zod'
import { answerOf } from '../child.ts'
import type { Effort } from '../measure.ts'
import type { Row, Study } from '../study.ts'
import { stack } from '../suites/stack.ts'

const PROGRAM = new URL('garbage-program.ts', import.meta.url)

/** A young generation in which everything stays that the calls of a run allocate, in megabytes. */
const YOUNG = ['--min-semi-space-size=128', '--max-semi-space-size=128']

/** What a call through all patterns allocates. */
export const garbage: Study = {
  name: 'garbage',
  title: 'all patterns, bytes that a succeeding call allocates',
  note: 'Growth of the heap over twenty thousand calls one after the other, the median of as many such turns as fit into eight times the warm-up of the suites, at least five, in a process of its own with a young generation so large that next to nothing is collected in a turn; the bare call’s bytes are taken off. The stacks are those of the suite `stack`.',
  columns: [{ figure: 'bytesPerCall', head: 'bytes a call', digits: 0 }],
  async measure({ calls = 20_000, warmUpMs }: Effort, onRow) {
    const contestants = [stack.baseline, ...stack.contestants]
    const rows: Row[] = []
    let bare = 0
    for (const { name, package: library } of contestants) {
      const bytes = z.number().parse(await answerOf(PROGRAM, [name, String(calls), String(8 * warmUpMs)], YOUNG))
      if (library === undefined) bare = bytes
      rows.push({ name, package: library, figures: { bytesPerCall: library === undefined ? bytes : bytes - bare } })
      onRow(rows.length, contestants.length)
    }
    return rows
  },
}
