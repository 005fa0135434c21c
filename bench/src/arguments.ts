/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util'
import type { Effort } from './measure.ts'

/** What was asked for. */
export interface Wish {
  /** Names of suites; none means all. */
  readonly suites: readonly string[]
  readonly effort: Effort
  /** Where results are written; undefined for nowhere. */
  readonly output: string | undefined
  readonly list: boolean
}

/** A command line that makes no sense. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly code = 'BENCH_USAGE'
}

const FULL: Effort = { isQuick: false, rounds: 30, processes: 5, turnMs: 40, warmUpMs: 250 }
const QUICK: Effort = { isQuick: true, rounds: 12, processes: 3, turnMs: 10, warmUpMs: 80 }

/** @param known names of all suites @param results where a full run writes by default @throws UsageError */
export function readArguments(args: readonly string[], known: readonly string[], results: string): Wish {
  const { values, positionals } = parse(args)
  for (const name of positionals) {
    if (known.includes(name)) continue
    throw new UsageError(`there is no suite "${name}"; choose from ${known.join(', ')}`)
  }
  const base = values.quick ? QUICK : FULL
  const rounds = wholeNumber('--rounds', values.rounds) ?? base.rounds
  const calls = wholeNumber('--calls', values.calls)
  return {
    suites: positionals.length === 0 ? known : positionals,
    effort: { ...base, rounds, processes: Math.min(rounds, base.processes), calls },
    output: values.output ?? (values.quick ? undefined : results),
    list: values.list,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        quick: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        calls: { type: 'string' },
        output: { type: 'string' },
      },
    })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new UsageError(`${reason}; usage: npm run bench -- [suite …] [--quick] [--list] [--output folder]`)
  }
}

function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new UsageError(`${option} is "${text}": it must be a whole number from 1`)
}
