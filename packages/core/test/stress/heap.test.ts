import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const run = promisify(execFile)
const program = fileURLToPath(new URL('heap-program.ts', import.meta.url))

/** A hundredth of a byte for each of three million calls: what an engine's own bookkeeping moves by. */
const FLAT_BYTES = 30_000

describe('the heap', () => {
  it('is as large after ten million calls as after the first million', { timeout: 180_000 }, async () => {
    const { stdout } = await run(process.execPath, ['--conditions=development', '--expose-gc', program])
    const { grownBytes, ...rest } = JSON.parse(stdout)
    expect(rest).toEqual({ inFlight: 0, active: 0, calls: 9_900_000 })
    // The engine is not done with a function after a million calls, so that it grows less and less. What leaks does not.
    expect(Math.min(...grownBytes)).toBeLessThan(FLAT_BYTES)
  })
})
