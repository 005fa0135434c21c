import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** The root of the repo. */
export const ROOT: string = fileURLToPath(new URL('../../', import.meta.url))

/** How long a program may take, in milliseconds: far beyond what one needs on a machine that is busy with other tests. */
const LIMIT_MS = 28_000

/**
 * Runs a TypeScript program as a reader of the docs would, from the root of the repo.
 *
 * @returns what it wrote to its standard output, line by line
 * @throws when it ends with another code than 0, or not in time
 */
export async function runProgram(path: string, args: readonly string[] = []): Promise<string[]> {
  const { stdout } = await execute(process.execPath, ['--conditions=development', path, ...args], {
    cwd: ROOT,
    timeout: LIMIT_MS,
  })
  return stdout.trimEnd().split('\n')
}
