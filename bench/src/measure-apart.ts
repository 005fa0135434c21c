/**
 * Measures a suite in processes of its own. What other suites leave behind would be held against it: their timers, their
 * garbage, and what the optimizer has learnt of functions that both use. And as the optimizer does not do the same in every
 * process, several share the rounds.
 */
import { z } from 'zod'
import { answerOf } from './child.ts'
import { type Effort, type Figures, figuresOf, type Timings } from './measure.ts'
import type { Suite } from './suite.ts'

const PROGRAM = new URL('suite-program.ts', import.meta.url)

const answer = z.array(z.object({ name: z.string(), package: z.string().optional(), nanoseconds: z.array(z.number()) }))

/** @param onProcess told after each process, for progress */
export async function measure(
  { name }: Pick<Suite, 'name'>,
  { rounds, processes, turnMs, warmUpMs, calls }: Effort,
  onProcess: (done: number, of: number) => void = () => {},
): Promise<readonly Figures[]> {
  const effort = JSON.stringify({ rounds: Math.ceil(rounds / processes), turnMs, warmUpMs, calls })
  let timings: readonly Timings[] = []
  for (let done = 1; done <= processes; done++) {
    const more = answer.parse(await answerOf(PROGRAM, [name, effort]))
    timings = more.map(({ name: contestant, package: library, nanoseconds }, index) => ({
      name: contestant,
      package: library,
      nanoseconds: [...(timings[index]?.nanoseconds ?? []), ...nanoseconds],
    }))
    onProcess(done, processes)
  }
  return figuresOf(timings)
}
