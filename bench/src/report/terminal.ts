import type { SuiteResult } from '../result.ts'
import { nanoseconds, ratioText } from './figures.ts'

const BAR_WIDTH = 30

/** One suite as a table with bars, fastest first. */
export function table({ suite, title, contestants }: SuiteResult): string {
  const rows = contestants.toSorted((left, right) => left.ratio - right.ratio)
  const nameWidth = Math.max(...rows.map(({ name, version }) => labelOf(name, version).length))
  const longest = Math.max(...rows.map(({ ratio }) => ratio))
  const lines = rows.map((row) => {
    const bar = '▇'.repeat(Math.max(1, Math.round((row.ratio / longest) * BAR_WIDTH)))
    const spread = `${ratioText(row.ratioLow)}–${ratioText(row.ratioHigh)}`
    const label = labelOf(row.name, row.version).padEnd(nameWidth)
    return `  ${label}  ${nanoseconds(row.nanosecondsPerCall).padStart(9)}  ${ratioText(row.ratio).padStart(6)}  ${spread.padStart(13)}  ${bar}`
  })
  return [`\n${suite}: ${title}`, ...lines].join('\n')
}

function labelOf(name: string, version: string | undefined): string {
  return version === undefined || name === 'holdfast' ? name : `${name} (${version})`
}
