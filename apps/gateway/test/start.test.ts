import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { openJournal } from '@holdfast/trading/journal'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { ask } from './support.ts'

const START = fileURLToPath(new URL('../src/start.ts', import.meta.url))
const PORTS = [
  'PORT',
  'UPSTREAMS_CONTROL_PORT',
  'ALPACA_STANDIN_PORT',
  'POLYGON_STANDIN_PORT',
  'YAHOO_STANDIN_PORT',
  'FRED_STANDIN_PORT',
  'IB_STANDIN_PORT',
]
/** On any ports, and without requests that nobody asked for. */
const ANY_PORTS = { ...Object.fromEntries(PORTS.map((name) => [name, '0'])), BACKGROUND_TRAFFIC: 'false' }

/** For a machine that is busy with other tests. */
const PATIENCE = { timeout: 20_000, interval: 50 }

interface Started {
  /** All that it has printed so far. */
  printed(): string
  /** Sends it a signal. */
  kill(signal: NodeJS.Signals): void
  /** Its exit code, once it has ended. */
  readonly ended: Promise<unknown>
}

/** Starts the program as `npm start` does. */
function start(env: Readonly<Record<string, string>>): Started {
  const path = process.env.PATH ?? ''
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const child = spawn(process.execPath, ['--conditions=development', START], {
    env: { PATH: path, STATE_FOLDER: folder, ...env },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk) => {
      printed += chunk
    })
  }
  const ended = once(child, 'exit').then(([code]) => code)
  return { printed: () => printed, kill: (signal) => void child.kill(signal), ended }
}

/** Waits until it has said all that it says at its start. */
async function ready({ printed }: Started): Promise<string> {
  await vi.waitFor(() => expect(printed()).toMatch(/Ctrl-C stops it/), PATIENCE)
  return printed()
}

/** Runs a line as a reader would who has copied it. */
async function copied(line: string): Promise<string> {
  const { stdout } = await promisify(execFile)('bash', ['-c', line], { timeout: 25_000 })
  return stdout
}

function statusesOf(output: string): string[] {
  return [...output.matchAll(/\[(\d{3}) after/g)].map(([, status]) => status ?? '')
}

describe('npm start', { timeout: 60_000 }, () => {
  it('prints three lines that do what they say', async () => {
    const lines = (await ready(start(ANY_PORTS))).split('\n').map((line) => line.trim())
    const [quote = '', outage = '', recovery = '', ...more] = lines.filter((line) => line.startsWith('curl '))
    expect(more).toEqual([])
    const quoted = await copied(quote)
    expect(quoted).toContain('"symbol":"AAPL"')
    expect(statusesOf(quoted)).toEqual(['200'])
    expect(statusesOf(await copied(outage))).toEqual(['504', '503', '503', '503'])
    const recovered = await copied(recovery)
    expect(recovered).toContain('"status":"ACTIVE"')
    expect(statusesOf(recovered)).toEqual(['200'])
  })

  it.each(['SIGTERM', 'SIGINT'] as const)('finishes on %s what runs, and ends well', async (signal) => {
    const program = start(ANY_PORTS)
    const printed = await ready(program)
    const port = Number(/gateway +http:\/\/127\.0\.0\.1:(\d+)/.exec(printed)?.[1])
    const control = Number(/control http:\/\/127\.0\.0\.1:(\d+)/.exec(printed)?.[1])
    const slow = { action: { type: 'latency', dist: 'fixed', ms: 800 } }
    await ask(control, '/_faults/alpaca', { method: 'PUT', body: slow })
    const running = ask(port, '/v1/account')
    await vi.waitFor(async () => {
      expect((await ask(control, '/_stats/alpaca')).body).toMatchObject({ requests: 1 })
    }, PATIENCE)
    program.kill(signal)
    expect((await running).status).toBe(200)
    expect(await program.ended).toBe(0)
  })

  it.each(PORTS)('says in one line that the port in %s is taken', async (variable) => {
    const taken = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void taken.close())
    await once(taken, 'listening')
    const address = taken.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const program = start({ ...ANY_PORTS, [variable]: String(port) })
    expect(await program.ended).toBe(1)
    expect(program.printed()).toBe(`port ${port} is taken; set ${variable} to another one (0 for any)\n`)
  })

  it('ends when it cannot have its journal, so that whoever watches it can start it anew', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const program = start({ ...ANY_PORTS, ORDER_JOURNAL: folder })
    expect(await program.ended).toBe(1)
    expect(program.printed()).toContain(folder)
  })

  it('keeps a journal that somebody has named, though the stand-ins begin with empty books', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const path = join(folder, 'orders.db')
    const journal = await openJournal(path)
    await (await journal.claim('another')).setKillSwitch({ engaged: true, by: 'vera', reason: 'audit', at: 1 })
    await journal.close()
    const program = start({ ...ANY_PORTS, ORDER_JOURNAL: path })
    await ready(program)
    program.kill('SIGTERM')
    expect(await program.ended).toBe(0)
    const again = await openJournal(path)
    onTestFinished(() => again.close())
    expect(await (await again.claim('another')).killSwitch()).toMatchObject({ engaged: true, by: 'vera' })
  })

  it('begins the journal of the stand-ins anew, and touches nothing else in its folder', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const [journal, log, backup] = ['', '-ahead-alpaca-7', '-backup'].map((part) =>
      join(folder, `stand-in-orders.db${part}`),
    )
    for (const file of [journal, log, backup]) writeFileSync(file ?? '', 'of another run')
    await ready(start({ ...ANY_PORTS, STATE_FOLDER: folder }))
    expect(readdirSync(folder)).toContain('stand-in-orders.db-backup')
    expect(readdirSync(folder)).not.toContain('stand-in-orders.db-ahead-alpaca-7')
  })

  it('says in one line what in the environment makes no sense', async () => {
    const program = start({ ...ANY_PORTS, PORT: 'http' })
    expect(await program.ended).toBe(1)
    expect(program.printed()).toBe('PORT is "http": it must be a port: a whole number from 0 to 65535\n')
  })

  it.each([
    ['CONTROL_TOKENS', 'vera', /^CONTROL_TOKENS has an entry that begins with "vera": it must be name:role:sha256/],
    [
      'STATE_FOLDER',
      START,
      /^STATE_FOLDER is ".*start.ts": there is no folder .*start.ts and none can be made \(EEXIST\)/,
    ],
    ['ORDER_JOURNAL', join(START, 'orders.db'), /^ORDER_JOURNAL is ".*orders.db": there is no folder .*start.ts and /],
    ['HOST', 'none.invalid', /^HOST is "none.invalid" and PORT 0: cannot listen there \(E[A-Z_]+\); set them to /],
  ])('names %s when the machine does not do what it says', async (variable, value, message) => {
    const program = start({ ...ANY_PORTS, [variable]: value })
    expect(await program.ended).toBe(1)
    expect(program.printed()).toMatch(message)
    expect(program.printed().trim().split('\n')).toHaveLength(1)
  })

  it('says when the Redis of its fleet does not answer, without the password', async () => {
    const nobody = createServer().listen(0, '127.0.0.1')
    await once(nobody, 'listening')
    const address = nobody.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    await new Promise((resolve) => nobody.close(resolve))
    const printed = await ready(start({ ...ANY_PORTS, REDIS_URL: `redis://:secret@127.0.0.1:${port}` }))
    expect(printed).toContain(`redis     127.0.0.1:${port} does not answer: no call goes to any service until it does`)
    expect(printed).not.toContain('secret')
  })
})
