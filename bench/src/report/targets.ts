import { type Found, TARGETS } from '../targets.ts'

/** The figures that are to be reached, as lines of a Markdown table, which a terminal shows well enough. */
export function targetTable(found: Found): string {
  const rows = TARGETS.flatMap(({ figure, target, measure }) => {
    const seen = measure(found)
    return seen === undefined ? [] : [[figure, target, seen.measured, seen.met ? 'met' : '**missed**']]
  })
  if (rows.length === 0) return ''
  const all = [['', 'target', 'measured', ''], ...rows]
  const widths = [0, 1, 2, 3].map((column) => Math.max(3, ...all.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`
  return [line(all[0] ?? []), rule, ...rows.map(line)].join('\n')
}
