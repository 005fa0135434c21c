/** `npm run bench -- [suite … | fleet] [--quick]`: measures, prints, and keeps what it found. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runFleet } from '../fleet/main.ts'
import { readArguments, UsageError, type Wish } from './arguments.ts'
import { environment, versionOf } from './environment.ts'
import type { Effort } from './measure.ts'
import { measure } from './measure-apart.ts'
import { chart } from './report/chart.ts'
import { fleetSection } from './report/fleet.ts'
import { summary } from './report/markdown.ts'
import { progress } from './report/progress.ts'
import { studyTable } from './report/study.ts'
import { targetTable } from './report/targets.ts'
import { table } from './report/terminal.ts'
import { type Result, readResults, type StudyResult, type SuiteResult, writeResult } from './result.ts'
import { STUDIES } from './studies/index.ts'
import type { Study } from './study.ts'
import type { Suite } from './suite.ts'
import { SUITES } from './suites/index.ts'
import { foundIn } from './targets.ts'

const RESULTS = fileURLToPath(new URL('../results', import.meta.url))
const ALL = [...SUITES, ...STUDIES]
const names = ALL.map(({ name }) => name)
const FLEET = 'fleet'

try {
  const [first = '', ...rest] = process.argv.slice(2)
  // A fleet is not measured call by call: it has a program of its own.
  if (first === FLEET) {
    if (await runFleet(rest, RESULTS)) writeSummary(RESULTS)
  } else await run(readArguments(process.argv.slice(2), names, RESULTS))
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(error.message)
  process.exitCode = 2
}

async function run({ suites, effort, output, list }: Wish): Promise<void> {
  if (list) {
    for (const { name, title } of ALL) console.log(`${name.padEnd(18)}${title}`)
    console.log(`${FLEET.padEnd(18)}many processes, one limit, on a real redis-server; by itself`)
    return
  }
  const { node, cpu, cores } = environment()
  console.log(
    `Node ${node}, ${cores} × ${cpu}; a ratio is a call's time over the baseline's, median of ${effort.rounds} rounds in ${effort.processes} processes`,
  )
  const wanted = ALL.filter(({ name }) => suites.includes(name))
  const found: Result[] = []
  for (const [index, one] of wanted.entries()) {
    const bar = progress(`${index + 1}/${wanted.length} ${one.name}`)
    const result = 'shape' in one ? await suiteResult(one, effort, bar.tick) : await studyResult(one, effort, bar.tick)
    bar.done()
    console.log(result.kind === 'suite' ? table(result) : studyTable(result))
    if (output !== undefined) writeResult(output, result)
    found.push(result)
  }
  console.log(`\n${targetTable(foundIn(found))}`)
  if (output === undefined) return
  writeSummary(output)
  console.log(`written to ${output === RESULTS ? 'bench/results' : output}`)
}

/** Writes all results in a folder as one page. */
function writeSummary(folder: string): void {
  const results = readResults(folder, names)
  writeFileSync(join(folder, 'summary.md'), summary(results, fleetSection(folder)))
  const charted = results.filter((result) => result.kind === 'suite')
  writeFileSync(join(folder, 'summary.svg'), chart(charted))
}

type Tick = (done: number, of: number) => void

async function suiteResult(suite: Suite, effort: Effort, tick: Tick): Promise<SuiteResult> {
  const contestants = (await measure(suite, effort, tick)).map(withVersion)
  const { name, title, note, shape } = suite
  const { rounds, processes } = effort
  return { kind: 'suite', suite: name, title, note, shape, environment: environment(), rounds, processes, contestants }
}

async function studyResult(study: Study, effort: Effort, tick: Tick): Promise<StudyResult> {
  const rows = (await study.measure(effort, tick)).map(({ figures, ...row }) =>
    withVersion({ ...row, figures: { ...figures } }),
  )
  const { name, title, note, columns } = study
  return { kind: 'study', suite: name, title, note, columns: [...columns], environment: environment(), rows }
}

function withVersion<T extends { readonly package?: string | undefined }>(found: T): T & { version?: string } {
  return found.package === undefined ? found : { ...found, version: versionOf(found.package) }
}
