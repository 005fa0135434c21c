/** What the page on fleets says was tested and measured: it must be what the tests and the results say. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { documentAt } from './support/markdown.ts'
import { ROOT } from './support/run-program.ts'

const page = await documentAt('docs/fleet.md')

/** Rows of all tables in a section, without heads and rules. */
function rowsOf(section: string): string[] {
  const from = page.text.indexOf(`## ${section}`)
  const text = page.text.slice(from, page.text.indexOf('\n## ', from))
  const lines = text.split('\n').filter((line) => line.startsWith('|'))
  return lines.filter((line, index) => !isRule(line) && !isRule(lines[index + 1] ?? ''))
}

const isRule = (line: string): boolean => /^\|( -+:? \|)+$/.test(line)

describe('the page on fleets', () => {
  it('names a test for each fault that there is', async () => {
    const folder = join(ROOT, 'packages/redis/test/faults')
    const files = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')))
    const titles = rowsOf('What is tested').map((row) => /`([^`]+)` \|$/.exec(row)?.[1] ?? row)
    expect(titles.length).toBeGreaterThan(15)
    expect(titles.filter((title) => !files.some((text) => text.includes(`'${title}'`)))).toEqual([])
  })

  it('shows the figures of the results', async () => {
    const results = await readFile(join(ROOT, 'bench/results/fleet.md'), 'utf8')
    const rows = rowsOf('How large a fleet can be')
    expect(rows.length).toBeGreaterThan(8)
    expect(rows.filter((row) => !results.includes(row))).toEqual([])
  })
})
