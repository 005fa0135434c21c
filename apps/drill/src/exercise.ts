/** An exercise of the drill: something that is done to the system, and figures that come of it. */

/** One figure, and what it must be. */
export interface Figure {
  readonly what: string
  readonly measured: number
  readonly unit: string
  /** In words: "0", "at most 250 ms". */
  readonly bar: string
  readonly isMet: boolean
}

/** What an exercise came to. */
export interface ExerciseResult {
  readonly figures: readonly Figure[]
  /** Whatever else a reader may want to know. */
  readonly details: Readonly<Record<string, number | string>>
}

/** How much is done. */
export interface Effort {
  readonly orders: number
  readonly kills: number
  /** For how long orders come at a steady rate, in seconds. */
  readonly journalSeconds: number
  /** For how long, on the market's clock, more is asked for than a provider allows, in minutes. */
  readonly limitMinutes: number
  /** For how long cancels compete with a burst of reads, in seconds. */
  readonly cancelSeconds: number
}

/** An exercise. */
export interface Exercise {
  readonly name: string
  readonly title: string
  /** @param tick told how far it is */
  run(effort: Effort, seed: number, tick: (done: number, of: number) => void): Promise<ExerciseResult>
}

/** A figure that must not be above a bound. */
export function atMost(what: string, measured: number, bound: number, unit: string): Figure {
  return {
    what,
    measured,
    unit,
    bar: bound === 0 ? '0' : `at most ${rounded(bound)} ${unit}`,
    isMet: measured <= bound,
  }
}

/** A figure that must not be below a bound. */
export function atLeast(what: string, measured: number, bound: number, unit: string): Figure {
  return { what, measured, unit, bar: `at least ${rounded(bound)} ${unit}`, isMet: measured >= bound }
}

/** The value below which that share of a sample lies. @param share from 0 to 1 */
export function percentile(sample: readonly number[], share: number): number {
  const sorted = [...sample].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

function rounded(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 2 })
}
