/** Eight processes that want more than they may: how far over the limit the worst window is, and how much goes unused. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const PROCESSES = 8
export const LIMIT = { tokensPerSecond: 500, burstSize: 200 } as const

/** Each process calls so often, in milliseconds: together twice what the limit allows. */
const EVERY_MS = 8

/** Not looked at: until Redis remembers, every process is there, and the bucket has been emptied. */
const BEGINNING_MS = 4_000

/** What was seen. */
export interface PromiseKept {
  readonly admitted: number
  readonly seconds: number
  /** Tokens by which the worst of all windows is over burst + rate × W. */
  readonly overAdmission: number
  /** Which part of the rate was not used while everybody wanted more. */
  readonly underAdmission: number
}

/** Runs the processes for so long against a real Redis, and reads what each logged. */
export async function promiseKept(redisUrl: string, forMs: number): Promise<PromiseKept> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-bench-'))
  const program = fileURLToPath(new URL('./member.ts', import.meta.url))
  const { tokensPerSecond, burstSize } = LIMIT
  try {
    const files = await Promise.all(
      Array.from({ length: PROCESSES }, async (_, index) => {
        const file = join(folder, `${index}.txt`)
        const words = [redisUrl, tokensPerSecond, burstSize, EVERY_MS, BEGINNING_MS + forMs, file].map(String)
        const child = spawn(process.execPath, ['--conditions=development', program, ...words], { stdio: 'inherit' })
        const [code] = await once(child, 'exit')
        if (code !== 0) throw new Error(`a process of the fleet ended with ${code}`)
        return await readFile(file, 'utf8')
      }),
    )
    const times = files.flatMap((text) => text.split('\n').filter((line) => line !== ''))
    return judged(times.map((line) => Number(line) / 1e6).toSorted((left, right) => left - right))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** @param times of all admissions, in milliseconds, in order */
function judged(times: readonly number[]): PromiseKept {
  const { tokensPerSecond, burstSize } = LIMIT
  let level = 0
  let last = Number.NEGATIVE_INFINITY
  let worst = 0
  // A bucket that leaks at the rate stands after each admission as high as the worst window that ends there.
  for (const at of times) {
    level = Math.max(0, level - ((at - last) / 1_000) * tokensPerSecond) + 1
    last = at
    worst = Math.max(worst, level)
  }
  const [first = 0] = times
  // A little before the end, when the first processes leave.
  const steady = times.filter((at) => at > first + BEGINNING_MS && at < last - 500)
  const seconds = ((steady.at(-1) ?? 0) - (steady[0] ?? 0)) / 1_000
  return {
    admitted: times.length,
    seconds,
    overAdmission: Math.max(0, worst - burstSize - 1e-6),
    underAdmission: 1 - (steady.length - 1) / (seconds * tokensPerSecond),
  }
}
