/** `npm run drill -- [exercise …] [--quick] [--seed n]`: does the exercises, shows how far it is, and reports. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from 'holdfast'
import { readArguments, UsageError, type Wish } from './arguments.ts'
import { EXERCISES } from './exercises.ts'
import { progress } from './report/progress.ts'
import { isPassed, markdown, type Report } from './report/report.ts'

const RESULTS = fileURLToPath(new URL('../results', import.meta.url))

try {
  await run(
    readArguments(
      process.argv.slice(2),
      EXERCISES.map(({ name }) => name),
      RESULTS,
    ),
  )
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  console.error(error.message)
  process.exitCode = 2
}

async function run({ exercises, effort, command, seed, output }: Wish): Promise<void> {
  console.log(`seed ${seed}`)
  const done: Report['exercises'][number][] = []
  for (const { name, title, run } of EXERCISES.filter((exercise) => exercises.includes(exercise.name))) {
    const bar = progress(name)
    const result = await run(effort, seed, bar.tick)
    bar.done()
    done.push({ name, title, ...result })
  }
  const [cpu] = cpus()
  const report: Report = {
    at: new Date(systemClock.wallTime()).toISOString().slice(0, 16).replace('T', ' '),
    node: process.versions.node,
    cpu: cpu?.model.trim() ?? 'unknown',
    cores: cpus().length,
    seed,
    command,
    exercises: done,
  }
  console.log(markdown(report))
  if (output !== undefined) {
    mkdirSync(output, { recursive: true })
    writeFileSync(join(output, 'report.md'), markdown(report))
    writeFileSync(join(output, 'report.json'), `${JSON.stringify(report, undefined, 2)}\n`)
    console.log(`written to ${output === RESULTS ? 'apps/drill/results' : output}`)
  }
  if (!isPassed(report)) process.exitCode = 1
}
