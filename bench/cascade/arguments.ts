import { parseArgs } from 'node:util'
import { SCALES, type Scale } from './case.ts'

/** A command line that makes no sense. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** What is wanted. */
export interface Wish {
  readonly cases: readonly string[]
  readonly subjects: readonly string[]
  readonly scales: readonly Scale[]
  readonly seeds: readonly number[]
  /** Where the report is written; undefined for nowhere. */
  readonly output: string | undefined
}

/**
 * `[case …] [--quick] [--seeds n|from-to] [--subject name] [--output folder]`. Names may be parts of names. Quick: the usual
 * rates and one seed. A report is only written of the whole suite, unless a folder is named.
 *
 * @throws UsageError
 */
export function readArguments(
  args: readonly string[],
  known: { readonly cases: readonly string[]; readonly subjects: readonly string[] },
  usualOutput: string,
): Wish {
  const { values, positionals } = parse(args)
  const seeds = seedsOf(values.seeds ?? (values.quick ? '1' : '5'))
  const isWhole =
    positionals.length === 0 && values.subject === undefined && values.seeds === undefined && !values.quick
  return {
    cases: positionals.length === 0 ? known.cases : positionals.flatMap((part) => matching(part, known.cases)),
    subjects: values.subject === undefined ? known.subjects : matching(values.subject, known.subjects),
    scales: values.quick ? [1] : SCALES,
    seeds,
    output: values.output ?? (isWhole ? usualOutput : undefined),
  }
}

/** `5` is 1 to 5; `6-10` is what it says. */
function seedsOf(text: string): number[] {
  const [, first = '1', last = first] = /^(?:(\d+)-)?(\d+)$/.exec(text) ?? []
  const from = Number(first)
  const to = Number(last)
  if (!/\d/.test(text) || from < 1 || to < from || to > 1_000) {
    throw new UsageError(`--seeds is "${text}": it must be a number of seeds, or a range such as 6-10, up to 1000`)
  }
  return Array.from({ length: to - from + 1 }, (_, index) => from + index)
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        quick: { type: 'boolean', default: false },
        seeds: { type: 'string' },
        subject: { type: 'string' },
        output: { type: 'string' },
      },
    })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function matching(part: string, names: readonly string[]): string[] {
  const found = names.filter((name) => name.toLowerCase().includes(part.toLowerCase()))
  if (found.length > 0) return found
  throw new UsageError(`nothing is called "${part}"; there are ${names.join(', ')}`)
}
