import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { blocksOf, deadLinks, documents } from './support/markdown.ts'
import { ROOT, runProgram } from './support/run-program.ts'

const execute = promisify(execFile)

/** Where the programs of the docs are put for a while: ignored by git, inside the repo, so that they find its packages. */
const GENERATED = join(ROOT, '.generated')

const PROJECT = {
  extends: '../../tsconfig.check.json',
  compilerOptions: { noUnusedLocals: false, rootDir: '../..' },
  include: ['*.ts'],
  exclude: [],
  references: [],
}

const all = await documents()
const blocks = all
  .filter(({ path }) => path === 'README.md' || path.startsWith('docs/'))
  .flatMap(blocksOf)
  .map((block) => ({ ...block, file: `${block.where.replace(/[^a-zA-Z0-9]+/g, '-')}.ts` }))

describe('the programs in the docs', () => {
  let folder = ''

  beforeAll(async () => {
    await mkdir(GENERATED, { recursive: true })
    folder = await mkdtemp(join(GENERATED, 'docs-'))
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(PROJECT))
    for (const { file, code, where } of blocks) {
      await writeFile(join(folder, file), `// From ${where}\n${code}\nexport {}\n`)
    }
  })

  afterAll(() => rm(folder, { recursive: true }))

  it('pass the compiler', async () => {
    const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
    const complaints = await execute(process.execPath, [compiler, '-p', folder, '--noEmit'], { cwd: ROOT }).then(
      () => '',
      (error: { stdout?: string }) => error.stdout ?? String(error),
    )
    expect(complaints).toBe('')
  })

  it.each(blocks.filter(({ prints }) => prints !== undefined))(
    '$where prints what it says',
    async ({ file, prints }) => {
      expect(await runProgram(join(folder, file))).toEqual(prints)
    },
  )

  it('are there for every pattern, and say what they print', () => {
    const patterns = all.map(({ path }) => path).filter((path) => path.startsWith('docs/patterns/'))
    const shown = new Set(blocks.filter(({ prints }) => prints !== undefined).map(({ where }) => where.split(':')[0]))
    expect(patterns.filter((path) => !shown.has(path))).toEqual([])
  })
})

/** Pages that put mechanisms together and are none themselves. */
const NO_MECHANISM = ['decorators', 'events-and-snapshots', 'pipeline', 'services']

describe('the page of a mechanism', () => {
  const pages = all.filter(
    ({ path }) => path.startsWith('docs/patterns/') && !NO_MECHANISM.some((name) => path.endsWith(`/${name}.md`)),
  )

  it.each(pages)('$path says where it comes from, and when not to use it', ({ text }) => {
    expect(text).toMatch(/^## Where (it comes|they come) from$/m)
    expect(text).toMatch(/^## When not to (use|rely on) (it|them)$/m)
  })
})

describe('the documents', () => {
  const byPath = new Map(all.map((document) => [document.path, document]))

  it.each(all)('$path has no dead link', (document) => {
    expect(deadLinks(document, byPath, existsSync)).toEqual([])
  })
})
