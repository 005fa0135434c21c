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

/** The codes of a row; of those that are only a beginning, `CERT_…`, one that begins so. */
const codesOf = (row: string): string[] =>
  (row.match(/\b[A-Z][A-Z0-9_]{4,}(?:…|\b)/g) ?? []).map((code) => code.replace('…', 'SOMETHING'))

/** The names of errors that decide by themselves. */
const namesOf = (row: string): string[] => (row.startsWith('a TypeError') ? [] : (row.match(/\b\w+Error\b/g) ?? []))

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

  const telling = rows.filter(([row]) => codesOf(row).length + namesOf(row).length > 0)

  it.each(telling)('is right about %s', (row, says) => {
    const errors = [...codesOf(row).map((code) => ({ code })), ...namesOf(row).map((name) => ({ name }))]
    for (const error of errors) {
      expect([error, ...described(Object.assign(new Error('failed'), error))]).toEqual([error, ...says])
    }
  })

  it('has every code that the code knows', async () => {
    const source = await readFile(join(ROOT, 'packages/core/src/failures.ts'), 'utf8')
    const known = [...source.matchAll(/'([A-Z][A-Z0-9_]{3,})'/g)].map((match) => match[1] ?? '')
    expect(known.length).toBeGreaterThan(30)
    expect(known.filter((code) => !page.text.includes(code))).toEqual([])
  })
})
