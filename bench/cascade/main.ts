/** `npm run cascade [-- case … --quick]`: outages in virtual time, for Holdfast and for others; prints, and writes reports. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { progress } from '../src/report/progress.ts'
import { readArguments, UsageError, type Wish } from './arguments.ts'
import type { Case } from './case.ts'
import { type Outcome, summarize } from './figures.ts'
import { isDrawn, type Job, type JobResult } from './job.ts'
import { htmlReport } from './report/html.ts'
import { jsonReport } from './report/json.ts'
import { markdownReport } from './report/markdown.ts'
import { readmeSection, withTable } from './report/readme.ts'
import { terminalReport } from './report/terminal.ts'
import { CASES } from './scenarios/index.ts'
import { SUBJECT_NAMES } from './subjects/names.ts'
import { work } from './work.ts'

const OUTPUT = fileURLToPath(new URL('../../docs/cascade', import.meta.url))
const README = fileURLToPath(new URL('../../README.md', import.meta.url))

try {
  const known = { cases: CASES.map(({ name }) => name), subjects: SUBJECT_NAMES }
  process.exitCode = await run(readArguments(process.argv.slice(2), known, OUTPUT))
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(error.message)
  process.exitCode = 2
}

/** @returns 1 when Holdfast missed a bar */
async function run({ cases, subjects, scales, seeds, output }: Wish): Promise<number> {
  const wanted = CASES.filter(({ name }) => cases.includes(name))
  const jobs: Job[] = wanted.flatMap(({ name }) =>
    scales.flatMap((scale) => seeds.map((seed) => ({ case: name, scale, seed, subjects }))),
  )
  const bar = progress(`${jobs.length} scenarios`)
  const results = await work(jobs, (done) => bar.tick(done, jobs.length))
  bar.done()
  const outcomes = wanted.flatMap((one) => outcomesOf(one, results))
  console.log(terminalReport(wanted, outcomes))
  if (output !== undefined) {
    mkdirSync(output, { recursive: true })
    writeFileSync(join(output, 'results.json'), jsonReport(outcomes))
    writeFileSync(join(output, 'results.md'), markdownReport(wanted, outcomes))
    writeFileSync(join(output, 'report.html'), htmlReport(wanted, outcomes, drawn(results)))
    if (output === OUTPUT)
      writeFileSync(README, withTable(readFileSync(README, 'utf8'), readmeSection(wanted, outcomes)))
    console.log(`written to ${output === OUTPUT ? 'docs/cascade, and the table of README.md' : output}`)
  }
  return outcomes.some((outcome) => isJudged(wanted, outcome) && outcome.missed.length > 0) ? 1 : 0
}

function isJudged(cases: readonly Case[], { case: name, subject }: Outcome): boolean {
  const one = cases.find((each) => each.name === name)
  return subject === `holdfast ${one?.profile ?? 'INTERNAL'}`
}

function outcomesOf(one: Case, results: readonly JobResult[]): Outcome[] {
  const runs = results
    .filter(({ job }) => job.case === one.name)
    .flatMap(({ job, runs }) => runs.map((run) => ({ ...run, scale: job.scale })))
  const groups = Map.groupBy(runs, ({ scale, subject }) => `${scale} ${subject}`)
  return [...groups.values()].flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    return [
      summarize(
        one,
        first.subject,
        first.scale,
        group.map(({ figures }) => figures),
      ),
    ]
  })
}

function drawn(results: readonly JobResult[]): JobResult[] {
  return results.filter(({ job }) => isDrawn(job))
}
