/** The result of one suite or study, as it is kept in a file. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const figures = z.object({
  name: z.string(),
  package: z.string().optional(),
  version: z.string().optional(),
  nanosecondsPerCall: z.number(),
  ratio: z.number(),
  ratioLow: z.number(),
  ratioHigh: z.number(),
})

const about = {
  suite: z.string(),
  title: z.string(),
  note: z.string(),
  environment: z.object({ node: z.string(), v8: z.string(), cpu: z.string(), cores: z.number() }),
}

const suiteResult = z.object({
  kind: z.literal('suite'),
  ...about,
  shape: z.string(),
  rounds: z.number(),
  /** Results from before suites ran in processes of their own have none: one process ran them all. */
  processes: z.number().default(1),
  /** Median of the baseline, then everybody else; the baseline first. */
  contestants: z.array(figures),
})

const studyResult = z.object({
  kind: z.literal('study'),
  ...about,
  columns: z.array(z.object({ figure: z.string(), head: z.string(), digits: z.number() })),
  rows: z.array(
    z.object({
      name: z.string(),
      package: z.string().optional(),
      version: z.string().optional(),
      figures: z.record(z.string(), z.number()),
    }),
  ),
})

const result = z.discriminatedUnion('kind', [suiteResult, studyResult])

export type SuiteResult = z.output<typeof suiteResult>
export type StudyResult = z.output<typeof studyResult>
export type Result = z.output<typeof result>

/** Writes `<folder>/<suite>.json`. */
export function writeResult(folder: string, written: Result): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${written.suite}.json`), `${JSON.stringify(written, null, 2)}\n`)
}

/** Every result in a folder, in the order given by `names`. */
export function readResults(folder: string, names: readonly string[]): readonly Result[] {
  const files = readdirSync(folder)
  return names
    .filter((name) => files.includes(`${name}.json`))
    .map((name) => result.parse(JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'))))
}
