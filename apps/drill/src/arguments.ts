/** The command line of `npm run drill`. */
import { parseArgs } from 'node:util'
import type { Effort } from './exercise.ts'

/** What was asked for. */
export interface Wish {
  readonly exercises: readonly string[]
  readonly effort: Effort
  /** The command line that does the same again. */
  readonly command: string
  readonly seed: number
  /** Where the report is written; undefined for nowhere. */
  readonly output: string | undefined
}

/** A command line that makes no sense. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly code = 'DRILL_USAGE'
}

export const FULL: Effort = { orders: 10_000, kills: 50, journalSeconds: 10, limitMinutes: 10, cancelSeconds: 30 }
export const QUICK: Effort = { orders: 300, kills: 4, journalSeconds: 2, limitMinutes: 2, cancelSeconds: 4 }

/** @param known names of all exercises @param results where a full drill is written by default @throws UsageError */
export function readArguments(args: readonly string[], known: readonly string[], results: string): Wish {
  const { values, positionals } = parse(args)
  for (const name of positionals) {
    if (known.includes(name)) continue
    throw new UsageError(`there is no exercise "${name}"; choose from ${known.join(', ')}`)
  }
  const base = values.quick ? QUICK : FULL
  const seed = wholeNumber('--seed', values.seed) ?? 1
  const orders = wholeNumber('--orders', values.orders) ?? base.orders
  const kills = wholeNumber('--kills', values.kills) ?? base.kills
  const isWhole = positionals.length === 0 && !values.quick
  return {
    exercises: positionals.length === 0 ? known : positionals,
    effort: { ...base, orders, kills },
    command: ['npm run drill --', ...positionals, ...again(values, seed)].join(' '),
    seed,
    output: values.output ?? (isWhole ? results : undefined),
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        quick: { type: 'boolean', default: false },
        seed: { type: 'string' },
        orders: { type: 'string' },
        kills: { type: 'string' },
        output: { type: 'string' },
      },
    })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const usage = 'npm run drill -- [exercise …] [--quick] [--seed n] [--orders n] [--kills n] [--output folder]'
    throw new UsageError(`${reason}; usage: ${usage}`)
  }
}

/** The options that make a difference, with the seed that was drawn by. */
function again({ quick, orders, kills }: { quick: boolean; orders?: string; kills?: string }, seed: number): string[] {
  return [
    ...(quick ? ['--quick'] : []),
    ...(orders === undefined ? [] : ['--orders', orders]),
    ...(kills === undefined ? [] : ['--kills', kills]),
    '--seed',
    String(seed),
  ]
}

function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new UsageError(`${option} is "${text}": it must be a whole number`)
}
