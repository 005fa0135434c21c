/** From the results of several seeds to figures, verdicts and scores. */
import type { ScenarioResult } from '@holdfast/testing'
import type { Bar, Case, Scale } from './case.ts'

/** A contestant in a case at a scale: means over the seeds. */
export interface Outcome {
  readonly case: string
  readonly subject: string
  readonly scale: Scale
  readonly seeds: number
  /** By the label of the bar. */
  readonly figures: Readonly<Record<string, number>>
  /** Labels of the bars that were missed. */
  readonly missed: readonly string[]
  /** 100 is perfect knowledge of the upstream. */
  readonly score: number
}

/** The recovery of who never recovers, in seconds. */
const NEVER_SECONDS = 30

/** What is measured of one run, for each bar. */
export function figuresOf({ bars }: Case, result: ScenarioResult): Record<string, number> {
  return Object.fromEntries(bars.map((bar) => [bar.label, figureOf(bar, result)]))
}

function figureOf({ figure }: Bar, result: ScenarioResult): number {
  return typeof figure === 'function' ? figure(result) : (result[figure] ?? NEVER_SECONDS)
}

/** Several runs of the same as one. */
export function summarize(
  one: Case,
  subject: string,
  scale: Scale,
  runs: readonly Readonly<Record<string, number>>[],
): Outcome {
  const figures = Object.fromEntries(
    one.bars.map(({ label }) => [label, runs.reduce((sum, run) => sum + (run[label] ?? 0), 0) / runs.length]),
  )
  const missed = one.bars.filter((bar) => !reaches(bar, figures[bar.label] ?? 0)).map(({ label }) => label)
  return { case: one.name, subject, scale, seeds: runs.length, figures, missed, score: score(one, figures) }
}

/** Whether a figure is good enough, to the three places that are shown. */
export function reaches({ atLeast, atMost }: Bar, value: number): boolean {
  const shown = Math.round(value * 1_000) / 1_000
  return (atLeast === undefined || shown >= atLeast) && (atMost === undefined || shown <= atMost)
}

/**
 * The product of what each figure is worth from 0 to 1, times 100: shares as they are; waste by what it leaves; recovery by
 * how much of half a minute it leaves; counts and sizes by how far they exceed their bar. Amplification is in the waste.
 */
export function score({ bars }: Pick<Case, 'bars'>, figures: Readonly<Record<string, number>>): number {
  return bars.reduce((product, bar) => product * worth(bar, figures[bar.label]), 100)
}

function worth({ label, atLeast, atMost = 1 }: Bar, value: number | undefined): number {
  if (value === undefined || label === 'amp') return 1
  if (atLeast !== undefined) return clamp(value)
  if (label === 'waste') return clamp(1 - value)
  if (label === 'recovery s') return clamp(1 - value / NEVER_SECONDS)
  return value <= atMost ? 1 : clamp((atMost + 1) / (value + 1))
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value))
}

/** A figure as people read it. */
export function shown(label: string, value: number): string {
  if (label === 'recovery s') return value >= NEVER_SECONDS ? 'never' : value.toFixed(1)
  if (['429', 'bans', 'doubled', 'unknown', 'in flight', 'pending', 'p99 B ms'].includes(label)) {
    return String(Math.round(value * 10) / 10)
  }
  return value.toFixed(3)
}

/** A bar in words: `≥ 0.98`. */
export function barText({ atLeast, atMost }: Bar): string {
  if (atLeast === atMost) return `= ${atLeast}`
  return atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`
}
