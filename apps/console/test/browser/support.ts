import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { tokenEntry } from '@holdfast/gateway'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'

const START = fileURLToPath(new URL('../../../gateway/src/start.ts', import.meta.url))

/** The ports of the stand-ins: any that are free. */
const STAND_IN_PORTS = [
  'UPSTREAMS_CONTROL_PORT',
  'ALPACA_STANDIN_PORT',
  'POLYGON_STANDIN_PORT',
  'YAHOO_STANDIN_PORT',
  'FRED_STANDIN_PORT',
  'IB_STANDIN_PORT',
]

/** Debian's Chromium. */
const CHROMIUM = '/usr/bin/chromium'
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** The tokens of three people. */
export const TOKENS = {
  vera: 'token-of-vera-who-looks',
  otto: 'token-of-otto-who-acts',
  ada: 'token-of-ada-who-may',
} as const
const ROLES = { vera: 'viewer', otto: 'operator', ada: 'admin' } as const

/** Who signs in. */
export type Person = keyof typeof TOKENS

/** The gateway as `npm start` starts it, with its stand-ins and its page. */
export interface Program {
  readonly url: string
  /** Kills it as a crash would, and waits until it is gone. */
  kill(): Promise<void>
  /** Starts it again, on the same ports and the same folder. */
  restart(): Promise<void>
  /** Stops and continues its process, as a machine that hangs. */
  /** The address of the console that it has printed. */
  consoleLink(): string
  freeze(): void
  thaw(): void
  /** Asks a route, as a client would, some times at once. @returns the statuses */
  ask(path: string, times?: number): Promise<number[]>
  /** An act, as a program would do it. */
  act(body: object, by?: Person): Promise<number>
  /** Puts a fault into a stand-in, of any kind. */
  fault(upstream: string, rule: object): Promise<unknown>
  close(): Promise<void>
}

/** Starts it on free ports with a folder of its own. */
export async function startProgram(env: Readonly<Record<string, string>> = {}): Promise<Program> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-'))
  const port = await freePort()
  const entries = (['vera', 'otto', 'ada'] as const).map((name) =>
    tokenEntry({ name, role: ROLES[name] }, TOKENS[name]),
  )
  const surroundings = {
    PATH: process.env.PATH,
    PORT: String(port),
    ...Object.fromEntries(STAND_IN_PORTS.map((name) => [name, '0'])),
    STATE_FOLDER: folder,
    BACKGROUND_TRAFFIC: 'false',
    CONTROL_TOKENS: entries.join(','),
    ...env,
  }
  const url = `http://127.0.0.1:${port}`
  let child: ChildProcess
  let control = ''
  let consoleLink = ''
  const start = async (): Promise<void> => {
    child = spawn(process.execPath, ['--conditions=development', START], {
      env: surroundings,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let printed = ''
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      printed += text
      if (printed.includes('Ctrl-C stops it')) resolve()
    })
    child.once('exit', () => reject(new Error(`it has ended by itself:\n${printed}`)))
    await promise
    control = /control (http:\S+)/.exec(printed)?.[1] ?? ''
    consoleLink = /console +(http:\S+)/.exec(printed)?.[1] ?? ''
  }
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
  }
  await start()
  return {
    url,
    kill: () => end('SIGKILL'),
    restart: start,
    consoleLink: () => consoleLink,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    ask: async (path, times = 1) =>
      Promise.all(Array.from({ length: times }, async () => (await fetch(`${url}${path}`)).status)),
    act: async (body, by = 'ada') => {
      const headers = { authorization: `Bearer ${TOKENS[by]}`, 'content-type': 'application/json' }
      return (await fetch(`${url}/v1/resilience/acts`, { method: 'POST', headers, body: JSON.stringify(body) })).status
    },
    fault: (upstream, rule) => fetch(`${control}/_faults/${upstream}`, { method: 'PUT', body: JSON.stringify(rule) }),
    close: async () => {
      child.kill('SIGCONT')
      await end('SIGKILL')
      rmSync(folder, { recursive: true })
    },
  }
}

/** A port that is free at this moment. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  await once(server.close(), 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** Starts Chromium. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: FLAGS })
}

/** What a page has complained of, and whom it has asked. */
export interface Seen {
  readonly complaints: string[]
  readonly hosts: Set<string>
}

/** A page of somebody's own, signed in; and what it has done that it should not. */
export async function pageOf(
  browser: Browser,
  { url }: Pick<Program, 'url'>,
  person: Person | undefined,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<Page & { readonly seen: Seen }> {
  const context = await browser.newContext({ viewport: { width: 1_440, height: 900 }, ...options })
  context.setDefaultTimeout(12_000)
  const page = await context.newPage()
  const seen: Seen = { complaints: [], hosts: new Set() }
  page.on('pageerror', (error) => seen.complaints.push(error.message))
  page.on('console', (message) => {
    // The browser itself tells of answers that are refusals; the page has its own words for them.
    if (message.type() === 'error' && !message.text().includes('Failed to load resource'))
      seen.complaints.push(message.text())
  })
  page.on('dialog', (dialog) => {
    seen.complaints.push(`a dialog of the browser: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('request', (request) => seen.hosts.add(new URL(request.url()).host))
  await page.goto(`${url}/console/${person === undefined ? '' : `#token=${TOKENS[person]}`}`)
  if (person !== undefined) await page.locator('.fresh-live').waitFor()
  return Object.assign(page, { seen })
}

/** Closes the windows that are open. */
export async function closePages(browser: Browser): Promise<void> {
  await Promise.all(browser.contexts().map((context: BrowserContext) => context.close()))
}

/** One service on the board. */
export function tile(page: Page, name: string) {
  return page.locator(`.tile[data-service="${name}"]`)
}
