/** Every suite is run once, for a hundred calls: that the contestants do what they are measured for. Time is not looked at. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { readArguments, UsageError } from '../src/arguments.ts'
import { measure, quantile } from '../src/measure.ts'
import { readResults } from '../src/result.ts'
import { SUITES } from '../src/suites/index.ts'

const run = promisify(execFile)
const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'))
const names = SUITES.map(({ name }) => name)

afterAll(() => rmSync(folder, { recursive: true }))

function bench(...args: string[]): Promise<{ stdout: string }> {
  return run(process.execPath, ['--conditions=development', main, ...args])
}

describe('the suites', () => {
  it.each(SUITES)('$name: every contestant does what it is measured for', async (suite) => {
    const figures = await measure(suite, { rounds: 1, turnMs: 0, warmUpMs: 0, calls: 128 })
    expect(figures.map(({ name }) => name)).toEqual([suite.baseline, ...suite.contestants].map(({ name }) => name))
    for (const { ratio } of figures) expect(ratio).toBeGreaterThan(0)
  })

  it('fail when a contestant does something else', async () => {
    const broken = { name: 'broken', prepare: () => ({ call: () => Promise.resolve(1) }) }
    const refusing = SUITES.find(({ shape }) => shape === 'rejects')
    if (refusing === undefined) throw new Error('there is no suite of refusals')
    const effort = { rounds: 1, turnMs: 0, warmUpMs: 0, calls: 1 }
    await expect(measure({ ...refusing, contestants: [broken] }, effort)).rejects.toThrow('it was to reject')
  })
})

describe('npm run bench', () => {
  it('writes a file for each suite, a table and a picture', async () => {
    const { stdout } = await bench('breaker', 'retry', '--rounds', '2', '--calls', '100', '--output', folder)
    expect(stdout).toContain(`Node ${process.versions.node}`)
    expect(stdout).toMatch(/breaker: circuit breaker, succeeding call\n.*bare call/)
    const results = readResults(folder, names)
    expect(results.map(({ suite }) => suite).toSorted()).toEqual(['breaker', 'retry'])
    expect(results[0]?.contestants[0]).toMatchObject({ name: 'bare call', ratio: 1 })
    expect(results[0]?.environment.node).toBe(process.versions.node)
    expect(results[0]?.contestants.find(({ package: library }) => library === 'cockatiel')?.version).toBe('4.0.0')
    const page = readFileSync(join(folder, 'summary.md'), 'utf8')
    expect(page).toContain('| **holdfast** |')
    expect(page).toContain('cockatiel, consecutive, 4.0.0')
    expect(readFileSync(join(folder, 'summary.svg'), 'utf8')).toContain('role="img"')
  })

  it('lists the suites', async () => {
    const { stdout } = await bench('--list')
    for (const name of names) expect(stdout).toContain(name)
  })

  it('says what it does not understand, and what it would', async () => {
    await expect(bench('braker')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no suite "braker"; choose from stack'),
    })
  })
})

describe('the command line', () => {
  const read = (...args: string[]) => readArguments(args, names, 'results')

  it('without arguments means everything, thoroughly, and kept', () => {
    expect(read()).toMatchObject({ suites: names, output: 'results', list: false })
  })

  it('--quick measures less and keeps nothing', () => {
    expect(read('--quick').output).toBeUndefined()
    expect(read('--quick').effort.rounds).toBeLessThan(read().effort.rounds)
    expect(read('--quick', '--output', 'here').output).toBe('here')
  })

  it.each([
    [['--fast'], /--fast/],
    [['--rounds', '0'], /--rounds is "0": it must be a whole number from 1/],
    [['--calls', 'many'], /--calls is "many"/],
  ])('%j is no command line', (args, message) => {
    expect(() => read(...args)).toThrow(UsageError)
    expect(() => read(...args)).toThrow(message)
  })
})

describe('the median', () => {
  it.each([
    [[3, 1, 2], 0.5, 2],
    [[4, 1, 2, 3], 0.5, 2.5],
    [[1, 2, 3, 4, 5], 0.25, 2],
    [[7], 0.75, 7],
  ])('of %j at %d is %d', (sample, share, expected) => {
    expect(quantile(sample, share)).toBe(expected)
  })
})
