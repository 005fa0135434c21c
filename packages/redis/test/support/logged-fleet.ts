import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type TestContext, vi } from 'vitest'
import { type Admission, overAdmission } from './admissions.ts'
import { LIMIT, PATIENCE } from './real-fleet.ts'

const PROGRAM = fileURLToPath(new URL('./member.ts', import.meta.url))

/** How often each process calls, in milliseconds. */
const EVERY_MS = 5

/** One of them. */
export interface LoggedProcess {
  readonly admissions: Admission[]
  /** Ends it at once, with all that it holds. */
  kill(): void
}

/** Members that are processes of their own, and what they logged: also of those that have been killed. */
export class LoggedFleet {
  readonly #processes: LoggedProcess[] = []
  readonly #test: TestContext
  readonly #url: string

  constructor(test: TestContext, url: string) {
    this.#test = test
    this.#url = url
  }

  /** One more process, killed at the end of the test if not before. */
  start(): LoggedProcess {
    const { tokensPerSecond, burstSize } = LIMIT
    const args = ['--conditions=development', PROGRAM, this.#url, tokensPerSecond, burstSize, EVERY_MS].map(String)
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const started: LoggedProcess = { admissions: [], kill: () => void child.kill('SIGKILL') }
    this.#test.onTestFinished(started.kill)
    // All processes of a machine have the same monotonic clock.
    createInterface(child.stdout).on('line', (line) => started.admissions.push({ at: Number(line) / 1e6, cost: 1 }))
    this.#processes.push(started)
    return started
  }

  /** Waits until that many more calls have been admitted, by all or by those that are named. */
  async admits(more: number, by: readonly LoggedProcess[] = this.#processes): Promise<void> {
    const admitted = (): number => by.reduce((sum, { admissions }) => sum + admissions.length, 0)
    const wanted = admitted() + more
    await vi.waitFor(() => {
      if (admitted() < wanted) throw new Error(`${admitted()} of ${wanted} admitted`)
    }, PATIENCE)
  }

  /** By how much the worst window was over the limit. */
  get over(): number {
    return overAdmission(
      this.#processes.flatMap(({ admissions }) => admissions),
      LIMIT,
    )
  }
}
