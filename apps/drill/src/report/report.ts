/** What a drill found, for people and for programs. */
import type { ExerciseResult, Figure } from '../exercise.ts'

/** A whole drill. */
export interface Report {
  readonly at: string
  readonly node: string
  readonly cpu: string
  readonly cores: number
  readonly seed: number
  /** What does it again. */
  readonly command: string
  readonly exercises: readonly (ExerciseResult & { readonly name: string; readonly title: string })[]
}

/** Whether everything is as it must be. */
export function isPassed({ exercises }: Report): boolean {
  return exercises.every(({ figures }) => figures.every(({ isMet }) => isMet))
}

/** The report as Markdown. */
export function markdown(report: Report): string {
  const { at, node, cpu, cores, command, exercises } = report
  const lines = [
    '# Drill',
    '',
    `\`${command}\` on ${at}, Node ${node}, ${cores} × ${cpu}: ${isPassed(report) ? 'passed' : 'not passed'}.`,
  ]
  for (const { title, figures, details } of exercises) {
    lines.push('', `## ${title}`, '', '| | measured | must be | |', '| --- | --- | --- | --- |')
    for (const figure of figures) {
      lines.push(
        `| ${figure.what} | ${measured(figure)} | ${figure.bar.trim()} | ${figure.isMet ? 'met' : '**missed**'} |`,
      )
    }
    lines.push('', '| | |', '| --- | --- |')
    for (const [what, value] of Object.entries(details)) {
      lines.push(`| ${what} | ${typeof value === 'number' ? value.toLocaleString('en-US') : value} |`)
    }
  }
  return `${lines.join('\n')}\n`
}

/** A figure with its unit. */
export function measured({ measured: value, unit }: Figure): string {
  const digits = Number.isInteger(value) ? 0 : Math.abs(value) < 10 ? 2 : 1
  const text = value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
  return `${text} ${unit.split(' ')[0] ?? ''}`.trim()
}
