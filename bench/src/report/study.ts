/** Studies as tables. */
import type { StudyResult } from '../result.ts'

/** For a terminal. */
export function studyTable({ suite, title, columns, rows }: StudyResult): string {
  const cells = cellsOf(columns, rows, (name) => name)
  const widths = ['', ...columns].map((_, index) => Math.max(...cells.map((row) => row[index]?.length ?? 0)))
  const lines = cells.map((row) => {
    const [name = '', ...figures] = row
    return `  ${name.padEnd(widths[0] ?? 0)}  ${figures.map((text, index) => text.padStart(widths[index + 1] ?? 0)).join('  ')}`
  })
  return [`\n${suite}: ${title}`, ...lines].join('\n')
}

/** For a page. */
export function studySection({ suite, title, note, columns, rows, environment }: StudyResult): string {
  const [head = [], ...body] = cellsOf(columns, rows, (name, version) => {
    if (name === 'holdfast') return '**holdfast**'
    return version === undefined ? name : `${name}, ${version}`
  })
  return [
    `## ${suite}: ${title}`,
    '',
    note,
    '',
    `| ${head.join(' | ')} |`,
    `| --- | ${columns.map(() => '---:').join(' | ')} |`,
    ...body.map((row) => `| ${row.join(' | ')} |`),
    '',
    `Node ${environment.node}, V8 ${environment.v8}, ${environment.cores} × ${environment.cpu}. \`npm run bench -- ${suite}\``,
    '',
  ].join('\n')
}

function cellsOf(
  columns: StudyResult['columns'],
  rows: StudyResult['rows'],
  label: (name: string, version: string | undefined) => string,
): string[][] {
  const body = rows.map(({ name, version, figures }) => [
    label(name, version),
    ...columns.map(({ figure, digits }) => figures[figure]?.toFixed(digits) ?? '–'),
  ])
  return [['', ...columns.map(({ head }) => head)], ...body]
}
