/** Measurements in a process of their own, so that what one contestant leaves in memory is not held against the next. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Runs a program and returns what it sends. @throws Error when it ends without an answer */
export async function answerOf(
  program: URL,
  args: readonly string[],
  execArgv: readonly string[] = [],
): Promise<unknown> {
  const child = fork(program, args, {
    execArgv: ['--conditions=development', ...execArgv],
    serialization: 'advanced',
    // To read the sources anew is most of what a start takes.
    env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'holdfast-bench') },
  })
  const answer = once(child, 'message')
  const ended = once(child, 'exit')
  const first = await Promise.race([answer, ended.then(() => undefined)])
  await ended
  if (first === undefined) throw new Error(`${program.pathname} ${args.join(' ')} ended without an answer`)
  return first[0]
}
