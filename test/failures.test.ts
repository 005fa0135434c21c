/** The tables of docs/failures.md, row by row, against what the code makes of such errors. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describeFailure } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { documentAt, tableOf } from './support/markdown.ts'
import { ROOT } from './support/run-program.ts'

const page = await documentAt('docs/failures.md')
const columns = ['kind', 'verdict', 'transient']

/** What a row says, in the words of the table. */
function described(error: object): readonly string[] {
  const { kind, verdict, throttled, transient } = describeFailure(error)
  return [kind, throttled ? `${verdict}, throttled` : verdict, transient ? 'yes' : 'no']
}

/** The codes of a row, with an end for those that are only a beginning: `CERT_…`. */
const codesOf = (text: string): string[] =>
  (text.match(/\b[A-Z][A-Z0-9]*_?[A-Z0-9_]*[A-Z0-9_]…?/g) ?? [])
    .filter((word) => word.length > 4 && word !== 'TLS')
    .map((code) => code.replace('…', 'SOMETHING'))

describe('the table of statuses', () => {
  const rows = [...tableOf(page, ['status', ...columns])]
  const named = new Set(rows.flatMap(([cell]) => cell.match(/\b\d{3}\b/g) ?? []))

  it.each(rows)('is right about %s', (cell, says) => {
    const headers = cell.includes('Retry-After') ? { 'retry-after': '1' } : {}
    const group = cell.match(/\b(\d)xx/)?.[1]
    const others = Array.from({ length: 100 }, (_, index) => `${group}${String(index).padStart(2, '0')}`)
    const statuses = [
      ...(cell.match(/\b\d{3}\b/g) ?? []),
      ...(group === undefined ? [] : others.filter((status) => !named.has(status))),
    ]
    expect(statuses).not.toEqual([])
    for (const status of statuses) {
      const error = Object.assign(new Error(`status ${status}`), { status: Number(status), headers })
      expect([status, ...described(error)]).toEqual([status, ...says])
    }
  })
})

describe('the table of codes', () => {
  const rows = [...tableOf(page, ['what', ...columns])]

  it.each(rows.filter(([cell]) => codesOf(cell).length > 0))('is right about %s', (cell, says) => {
    for (const code of codesOf(cell)) {
      expect([code, ...described(Object.assign(new Error(code), { code }))]).toEqual([code, ...says])
    }
  })

  it('has every code that the code knows', async () => {
    const source = await readFile(join(ROOT, 'packages/core/src/failures.ts'), 'utf8')
    const known = [...source.matchAll(/'([A-Z][A-Z0-9]*_?[A-Z0-9_]{3,})'/g)].map((match) => match[1] ?? '')
    expect(known.length).toBeGreaterThan(30)
    expect(known.filter((code) => !page.text.includes(code))).toEqual([])
  })
})
