/** Every suite is run once, for a hundred calls: that the contestants do what they are measured for. Time is not looked at. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { readArguments, UsageError } from '../src/arguments.ts'
import { figuresOf, quantile, timingsOf } from '../src/measure.ts'
import { targetTable } from '../src/report/targets.ts'
import { readResults } from '../src/result.ts'
import { STUDIES } from '../src/studies/index.ts'
import { SUITES } from '../src/suites/index.ts'
import { foundIn } from '../src/targets.ts'

const run = promisify(execFile)
const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'))
const names = [...SUITES, ...STUDIES].map(({ name }) => name)

/** As little as can be: time is not looked at. */
const ONCE = { isQuick: false, rounds: 1, processes: 1, turnMs: 0, warmUpMs: 0 }

afterAll(() => rmSync(folder, { recursive: true }))

function bench(...args: string[]): Promise<{ stdout: string }> {
  return run(process.execPath, ['--conditions=development', main, ...args])
}

describe('the suites', () => {
  it.each(SUITES)('$name: every contestant does what it is measured for', async (suite) => {
    const figures = figuresOf(await timingsOf(suite, { rounds: 1, turnMs: 0, warmUpMs: 0, calls: 128 }))
    expect(figures.map(({ name }) => name)).toEqual([suite.baseline, ...suite.contestants].map(({ name }) => name))
    for (const { ratio } of figures) expect(ratio).toBeGreaterThan(0)
  })

  it('fail when a contestant does something else', async () => {
    const broken = { name: 'broken', prepare: () => ({ call: () => Promise.resolve(1) }) }
    const refusing = SUITES.find(({ shape }) => shape === 'rejects')
    if (refusing === undefined) throw new Error('there is no suite of refusals')
    const effort = { rounds: 1, turnMs: 0, warmUpMs: 0, calls: 1 }
    await expect(timingsOf({ ...refusing, contestants: [broken] }, effort)).rejects.toThrow('it was to reject')
  })
})

describe('the studies', () => {
  it.each(STUDIES)('$name: every contestant does what it is measured for', { timeout: 60_000 }, async (study) => {
    const rows = await study.measure({ ...ONCE, calls: 128 }, () => {})
    expect(rows.some(({ name }) => name.includes('holdfast'))).toBe(true)
    for (const { name, figures } of rows) {
      for (const { figure } of study.columns) {
        if (figure in figures) expect(figures[figure], `${name}: ${figure}`).not.toBeNaN()
      }
    }
  })
})

describe('the bundle', () => {
  /** What it was when decision 013 was written, and a tenth more: who needs more says there what for. */
  const MOST_KB = { 'holdfast, everything': 36.3, 'holdfast, circuit breaker alone': 16.7, 'holdfast, a service': 33.9 }

  it('is no larger than it was decided to be', async () => {
    const study = STUDIES.find(({ name }) => name === 'size')
    const rows = (await study?.measure(ONCE, () => {})) ?? []
    for (const [program, mostKb] of Object.entries(MOST_KB)) {
      const kilobytes = rows.find(({ name }) => name === program)?.figures.kilobytes
      expect(kilobytes, program).toBeLessThan(mostKb)
    }
  })
})

describe('the table of what is to be reached', () => {
  const environment = { node: '24.0.0', v8: '13', cpu: 'one', cores: 2 }
  const about = { title: '', note: '', environment }
  const contestant = (name: string, ratio: number) => ({
    name,
    ratio,
    nanosecondsPerCall: 1,
    ratioLow: 1,
    ratioHigh: 1,
  })

  it('says of each figure that was measured whether it is met', () => {
    const contestants = [contestant('holdfast', 2), contestant('cockatiel', 10), contestant('opossum', 9)]
    const open = {
      kind: 'suite' as const,
      suite: 'breaker-open',
      shape: 'rejects',
      rounds: 1,
      processes: 1,
      contestants,
      ...about,
    }
    const columns = [{ figure: 'kilobytes', head: 'kB', digits: 1 }]
    const rows = [{ name: 'holdfast, everything', figures: { kilobytes: 19.9 } }]
    const lines = targetTable(foundIn([open, { kind: 'study', suite: 'size', columns, rows, ...about }])).split('\n')
    const cells = lines.map((line) =>
      line
        .split('|')
        .map((cell) => cell.trim())
        .filter(Boolean),
    )
    expect(cells.slice(2)).toEqual([
      ['refused: circuit open', '≤ 1.1 × the baseline', '2.00 ×', '**missed**'],
      ['refused: circuit open', '≤ 1/5 of cockatiel', '1/5.0', 'met'],
      ['refused: circuit open', '≤ 1/5 of opossum', '1/4.5', '**missed**'],
      ['core, everything, minified and gzip', '≤ 20 kB', '20 kB', 'met'],
    ])
  })
})

describe('npm run bench', () => {
  it('writes a file for each suite, a table and a picture', async () => {
    const { stdout } = await bench('breaker', 'retry', '--rounds', '2', '--calls', '100', '--output', folder)
    expect(stdout).toContain(`Node ${process.versions.node}`)
    expect(stdout).toMatch(/breaker: circuit breaker, succeeding call\n.*bare call/)
    const results = readResults(folder, names)
    expect(results.map(({ suite }) => suite).toSorted()).toEqual(['breaker', 'retry'])
    const contestants = results.flatMap((result) => (result.kind === 'suite' ? result.contestants : []))
    expect(contestants[0]).toMatchObject({ name: 'bare call', ratio: 1 })
    expect(results[0]?.environment.node).toBe(process.versions.node)
    expect(results[0]).toMatchObject({ rounds: 2, processes: 2 })
    expect(contestants.find(({ package: library }) => library === 'cockatiel')?.version).toBe('4.0.0')
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
