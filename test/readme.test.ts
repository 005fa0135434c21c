import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { blocksOf, documentAt } from './support/markdown.ts'
import { ROOT, runProgram } from './support/run-program.ts'

const README = await documentAt('README.md')

describe('the README', () => {
  it('shows no command that CI does not run', async () => {
    const shown = [...README.text.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, code = '']) => code.trim().split('\n'))
    const scripts = `${await readFile(join(ROOT, '.ci/run'), 'utf8')}\n${await readFile(join(ROOT, '.ci/smoke'), 'utf8')}`
    // `npm ci && npm start` is run in two steps: the install comes first, the smoke test starts what it installed.
    const run = (command: string) => scripts.includes(command.replace(/^npm ci && npm start$/, 'npm start'))
    expect(shown.length).toBeGreaterThan(2)
    expect(shown.filter((command) => !run(command))).toEqual([])
  })
})

describe('its ten lines', () => {
  const code = blocksOf(README)[0]?.code ?? ''
  let folder = ''

  beforeAll(async () => {
    const parent = join(ROOT, '.generated')
    await mkdir(parent, { recursive: true })
    folder = await mkdtemp(join(parent, 'readme-'))
  })

  afterAll(() => rm(folder, { recursive: true }))

  async function run(port: number): Promise<readonly string[]> {
    const file = join(folder, `first-${port}.ts`)
    await writeFile(file, code.replace('127.0.0.1:8080', `127.0.0.1:${port}`))
    return runProgram(file)
  }

  it('print the answer when the gateway runs', async () => {
    const server = createServer((_request, response) => response.end('the account'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    try {
      expect(await run(typeof address === 'object' && address !== null ? address.port : 0)).toEqual(['200 the account'])
    } finally {
      server.close()
    }
  })

  it('tell of the retry and of the failure when it does not', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    await new Promise((resolve) => server.close(resolve))
    const lines = await run(port)
    expect(lines[0]).toMatch(/^retry \d+$/)
    expect(lines.join('\n')).toContain('ECONNREFUSED')
  })
})
