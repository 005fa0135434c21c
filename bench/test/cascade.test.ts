import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { runScenario, VirtualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import { readArguments, UsageError } from '../cascade/arguments.ts'
import { type Case, goodput, recovery, SCALES, throttled, waste } from '../cascade/case.ts'
import { figuresOf, reaches, score, summarize } from '../cascade/figures.ts'
import { CASES } from '../cascade/scenarios/index.ts'
import { SUBJECTS } from '../cascade/subjects/index.ts'
import { SUBJECT_NAMES } from '../cascade/subjects/names.ts'

const MAIN = fileURLToPath(new URL('../cascade/main.ts', import.meta.url))
const caseOf = (name: string): Case => {
  const found = CASES.find((each) => each.name === name)
  if (found === undefined) throw new RangeError(name)
  return found
}

describe('the cascade suite', () => {
  it('has fourteen cases that were given and at least six of its own', () => {
    expect(CASES.filter(({ isOwn }) => !isOwn)).toHaveLength(14)
    expect(CASES.filter(({ isOwn }) => isOwn).length).toBeGreaterThanOrEqual(6)
    expect(SUBJECTS.map(({ name }) => name)).toEqual(SUBJECT_NAMES)
  })

  it('has scenarios for every scale and seed whose routes lead somewhere', () => {
    for (const one of CASES) {
      for (const scale of SCALES) {
        const { routes, upstreams, durationMs } = one.scenario(scale, 7)
        expect(routes.filter(({ upstream }) => upstreams[upstream] === undefined)).toEqual([])
        expect(durationMs).toBeGreaterThan(0)
      }
    }
  })

  // A few that take no time; `npm run cascade` runs them all.
  it.each(['refused', 'blackhole', 'bad shard', 'lost acknowledgement', 'stalls', 'weak comeback'])(
    'Holdfast reaches every bar of "%s" at low rates',
    async (name) => {
      const one = caseOf(name)
      const subject = SUBJECTS.find((each) => each.name === `holdfast ${one.profile ?? 'INTERNAL'}`)
      if (subject === undefined) throw new RangeError(name)
      const runs = await Promise.all(
        [1, 2, 3].map(async (seed) => {
          const clock = new VirtualClock()
          return figuresOf(one, await runScenario(one.scenario(0.3, seed), subject, { seed, clock }))
        }),
      )
      expect(summarize(one, subject.name, 0.3, runs)).toMatchObject({ missed: [] })
    },
  )

  it('has a step of the wall clock that changes nothing', async () => {
    const one = caseOf('clock')
    const subject = SUBJECTS.find(({ name }) => name === 'holdfast INTERNAL')
    if (subject === undefined) throw new RangeError('INTERNAL')
    const stepped = one.scenario(1, 1)
    const run = (scenario: typeof stepped) => runScenario(scenario, subject, { clock: new VirtualClock() })
    expect(stepped.happenings).toHaveLength(1)
    expect(await run(stepped)).toEqual(await run({ ...stepped, happenings: [] }))
  })

  it('runs from the command line, with the libraries of others in virtual time, and writes a report', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cascade-'))
    const args = ['--conditions=development', MAIN, 'slow client', '--quick', '--output', folder]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    expect(stdout).toMatch(/slow client: a client that calls once in two seconds/)
    expect(stdout).toMatch(/▸ × 1 +holdfast INTERNAL +\d+ +goodA \d\.\d+/)
    expect(stdout).toMatch(/p-retry \+ bottleneck/)
    expect(await readFile(join(folder, 'results.md'), 'utf8')).toContain('| **slow client** (own) |')
    expect(await readFile(join(folder, 'report.html'), 'utf8')).toContain('<svg')
    await rm(folder, { recursive: true })
  })
})

describe('figures', () => {
  const one: Case = {
    name: 'one',
    title: '',
    scenario: () => caseOf('refused').scenario(1, 1),
    bars: [goodput(0.9), waste(0.1), recovery(1), throttled(1)],
  }

  it('are judged as they are shown', () => {
    expect(reaches(goodput(0.98), 0.97951)).toBe(true)
    expect(reaches(goodput(0.98), 0.979)).toBe(false)
    expect(reaches(waste(0.02), 0.0204)).toBe(true)
  })

  it('make a score of 100 for perfect knowledge, and of nothing for what never recovers', () => {
    expect(score(one, { goodA: 1, waste: 0, 'recovery s': 0, '429': 0 })).toBe(100)
    expect(score(one, { goodA: 0.9, waste: 0.1, 'recovery s': 3, '429': 3 })).toBeCloseTo(100 * 0.9 * 0.9 * 0.9 * 0.5)
    expect(score(one, { goodA: 1, waste: 0, 'recovery s': 30, '429': 0 })).toBe(0)
  })
})

describe('the command line', () => {
  const known = { cases: ['refused', 'slow', 'slow client'], subjects: ['holdfast BROKER', 'opossum'] }
  const read = (...args: string[]) => readArguments(args, known, 'docs')

  it('runs everything and writes the report, unless told otherwise', () => {
    expect(read()).toEqual({
      ...known,
      scales: [0.3, 1, 3],
      seeds: [1, 2, 3, 4, 5],
      output: 'docs',
    })
    expect(read('--quick')).toEqual({ ...known, scales: [1], seeds: [1], output: undefined })
    expect(read('slow', '--subject', 'hold', '--seeds', '6-8')).toMatchObject({
      cases: ['slow', 'slow client'],
      subjects: ['holdfast BROKER'],
      seeds: [6, 7, 8],
      output: undefined,
    })
  })

  it.each([
    [['nonsense'], /nothing is called "nonsense"; there are refused/],
    [['--seeds', '0'], /--seeds is "0": it must be a number of seeds, or a range/],
    [['--seeds', '9-6'], /--seeds is "9-6"/],
    [['--seeds', 'many'], /--seeds is "many"/],
    [['--fast'], /--fast/],
  ])('%j is none', (args, message) => {
    expect(() => read(...args)).toThrow(UsageError)
    expect(() => read(...args)).toThrow(message)
  })
})
