/** `npm run console:budgets`: measures what the page may cost, and fails where it costs more. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { systemClock } from 'holdfast'
import type { Browser } from 'playwright-core'
import { closePages, pageOf, startBrowser, startProgram, TOKENS, tile } from '../test/browser/support.ts'
import { bundleSize } from './bundle-size.ts'

const CROWD = fileURLToPath(new URL('crowd.ts', import.meta.url))

/** How long is measured, in milliseconds, and by how many viewers. */
const MEASURED_MS = 10_000
const VIEWERS = 16

interface Figure {
  readonly what: string
  readonly measured: number
  readonly limit: number
  readonly unit: string
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void systemClock.setTimer(resolve, ms))
}

function bundle(): Figure {
  return { what: 'bundle, gzip, with its font', measured: bundleSize() / 1_000, limit: 90, unit: 'kB' }
}

async function firstPaint(browser: Browser, url: string): Promise<Figure> {
  const page = await pageOf(browser, { url }, 'vera')
  const paints: number[] = []
  for (let visit = 0; visit < 5; visit++) {
    await page.reload()
    await page.locator('.tile').first().waitFor()
    paints.push(await page.evaluate<number>('performance.getEntriesByName("first-contentful-paint")[0].startTime'))
  }
  await closePages(browser)
  return {
    what: 'first paint, median of five visits',
    measured: paints.sort((a, b) => a - b)[2] ?? 0,
    limit: 1_000,
    unit: 'ms',
  }
}

/** For how much of the time its main thread is busy, waiting for a core included, while fifty services change ten times a second. */
async function mainThread(browser: Browser, url: string): Promise<Figure> {
  const page = await pageOf(browser, { url }, 'vera')
  await page.locator('.tile').nth(49).waitFor()
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable')
  const busy = async (): Promise<number> => {
    const { metrics } = await session.send('Performance.getMetrics')
    return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0
  }
  await pause(2_000)
  const [before, from] = [await busy(), systemClock.now()]
  await pause(MEASURED_MS)
  const share = ((await busy()) - before) / ((systemClock.now() - from) / 1_000)
  await closePages(browser)
  return { what: 'main thread, 50 services at 10 updates a second', measured: share * 100, limit: 30, unit: '%' }
}

/** How much of a core each viewer costs the gateway. */
async function perViewer(url: string, cpuMs: () => Promise<number>): Promise<Figure> {
  const costOf = async (): Promise<number> => {
    const before = await cpuMs()
    await pause(MEASURED_MS)
    return (await cpuMs()) - before
  }
  const alone = await costOf()
  const controller = new AbortController()
  const streams = Array.from({ length: VIEWERS }, async () => {
    const headers = { authorization: `Bearer ${TOKENS.vera}` }
    const { body, status } = await fetch(`${url}/v1/resilience/events`, { headers, signal: controller.signal })
    if (status !== 200) throw new Error(`the stream answers ${status}`)
    for await (const chunk of body ?? []) void chunk
  })
  await pause(1_000)
  const watched = await costOf()
  controller.abort()
  await Promise.allSettled(streams)
  const share = Math.max(0, watched - alone) / VIEWERS / MEASURED_MS
  return {
    what: `a viewer’s cost to the gateway, of a core (${VIEWERS} viewers)`,
    measured: share * 100,
    limit: 1,
    unit: '%',
  }
}

/** How long after its start, with nothing kept from before, the board shows answers of both brokers and of the data. */
async function startToBoard(browser: Browser): Promise<Figure> {
  const begun = systemClock.now()
  const program = await startProgram({ BACKGROUND_TRAFFIC: 'true' })
  try {
    const page = await pageOf(browser, program, 'vera')
    for (const service of ['alpaca', 'polygon', 'ib']) await tile(page, service).getByText('100 %').waitFor()
    const measured = (systemClock.now() - begun) / 1_000
    return { what: 'from the start to a live, populated board', measured, limit: 10, unit: 's' }
  } finally {
    await closePages(browser)
    await program.close()
  }
}

/** How soon an outage, and the loss of the connection, are seen. */
async function promptness(browser: Browser): Promise<Figure[]> {
  const program = await startProgram()
  try {
    const page = await pageOf(browser, program, 'vera')
    await tile(page, 'alpaca').waitFor()
    await program.fault('alpaca', { action: { type: 'reset' } })
    const outage = systemClock.now()
    const asked = program.ask('/v1/account', 6)
    await page.locator('.tile-OPEN[data-service=alpaca]').waitFor()
    const opened = systemClock.now() - outage
    await asked
    program.freeze()
    const frozen = systemClock.now()
    await page.locator('.fresh-stale').waitFor()
    const stale = systemClock.now() - frozen
    return [
      { what: 'from the first call of an outage to OPEN on the page', measured: opened, limit: 1_000, unit: 'ms' },
      { what: 'from a silent gateway to "stale" on the page', measured: stale, limit: 2_000, unit: 'ms' },
    ]
  } finally {
    await closePages(browser)
    await program.close()
  }
}

function show({ what, measured, limit, unit }: Figure): void {
  const verdict = measured <= limit ? 'ok      ' : 'TOO MUCH'
  console.log(`${verdict}  ${what}: ${measured.toFixed(measured < 10 ? 2 : 0)} ${unit}, at most ${limit} ${unit}`)
  if (measured > limit) process.exitCode = 1
}

const child = fork(CROWD, { execArgv: ['--conditions=development'] })
const [{ url }]: [{ url: string }] = await once(child, 'message').then(([message]) => [message])
const cpuMs = async (): Promise<number> => {
  const answered = once(child, 'message')
  child.send('cpu')
  const [{ cpu }] = await answered
  return (cpu.user + cpu.system) / 1_000
}
const browser = await startBrowser()
try {
  show(bundle())
  show(await firstPaint(browser, url))
  show(await mainThread(browser, url))
  show(await perViewer(url, cpuMs))
  for (const figure of await promptness(browser)) show(figure)
  show(await startToBoard(browser))
} finally {
  await browser.close()
  child.kill('SIGKILL')
}
