/** `npm run bench -- [suite …] [--quick]`: measures, prints, and keeps what it found. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readArguments, UsageError, type Wish } from './arguments.ts'
import { environment, versionOf } from './environment.ts'
import { measure } from './measure.ts'
import { chart } from './report/chart.ts'
import { summary } from './report/markdown.ts'
import { progress } from './report/progress.ts'
import { table } from './report/terminal.ts'
import { type Result, readResults, writeResult } from './result.ts'
import type { Suite } from './suite.ts'
import { SUITES } from './suites/index.ts'

const RESULTS = fileURLToPath(new URL('../results', import.meta.url))
const names = SUITES.map((suite) => suite.name)

try {
  await run(readArguments(process.argv.slice(2), names, RESULTS))
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(error.message)
  process.exitCode = 2
}

async function run({ suites, effort, output, list }: Wish): Promise<void> {
  if (list) {
    for (const { name, title } of SUITES) console.log(`${name.padEnd(18)}${title}`)
    return
  }
  const { node, cpu, cores } = environment()
  console.log(
    `Node ${node}, ${cores} × ${cpu}; a ratio is a call's time over the baseline's, median of ${effort.rounds} rounds`,
  )
  const wanted = SUITES.filter((suite) => suites.includes(suite.name))
  for (const [index, suite] of wanted.entries()) {
    const bar = progress(`${index + 1}/${wanted.length} ${suite.name}`)
    const result = await resultOf(suite, async () => await measure(suite, effort, bar.tick), effort.rounds)
    bar.done()
    console.log(table(result))
    if (output !== undefined) writeResult(output, result)
  }
  if (output === undefined) return
  const results = readResults(output, names)
  writeFileSync(join(output, 'summary.md'), summary(results))
  writeFileSync(join(output, 'summary.svg'), chart(results))
  console.log(`written to ${output === RESULTS ? 'bench/results' : output}`)
}

async function resultOf(suite: Suite, find: () => ReturnType<typeof measure>, rounds: number): Promise<Result> {
  const figures = await find()
  const { name, title, note, shape } = suite
  return {
    suite: name,
    title,
    note,
    shape,
    environment: environment(),
    rounds,
    contestants: figures.map((found) => ({
      ...found,
      ...(found.package === undefined ? {} : { version: versionOf(found.package) }),
    })),
  }
}
