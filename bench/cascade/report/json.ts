import type { Outcome } from '../figures.ts'

/** The outcomes for programs, a line for each, so that changes can be read. */
export function jsonReport(outcomes: readonly Outcome[]): string {
  const lines = outcomes.map((outcome) => JSON.stringify({ ...outcome, figures: rounded(outcome.figures) }))
  return `{"node":"${process.version}","outcomes":[\n${lines.join(',\n')}\n]}\n`
}

function rounded(figures: Outcome['figures']): Outcome['figures'] {
  return Object.fromEntries(Object.entries(figures).map(([label, value]) => [label, Math.round(value * 1e4) / 1e4]))
}
