/**
 * `npm run console:screenshots`: every view as a picture, at 1440 × 900 and 390 × 844, light and dark, of a running gateway
 * in the middle of an outage. Into apps/console/.generated/screenshots.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from 'holdfast'
import type { Page } from 'playwright-core'
import { closePages, type Program, pageOf, startBrowser, startProgram } from '../test/browser/support.ts'

const FOLDER = join(import.meta.dirname, '../.generated/screenshots')
const SIZES = [
  { width: 1_440, height: 900 },
  { width: 390, height: 844 },
]
const VIEWS: readonly (readonly [name: string, path: string, drawn: string])[] = [
  ['board', '', '.tile .spark'],
  ['service', 'services/alpaca', '.settings td'],
  ['flow', 'flow', '.flow-service'],
  ['incidents', 'incidents', '.incident'],
  ['rehearsal', 'rehearsal', '.rehearsal-board .tile'],
  ['audit', 'audit', '.audit td'],
]

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void systemClock.setTimer(resolve, ms))
}

/** A few minutes in the life of a platform, shortened. */
async function live(program: Program): Promise<void> {
  await pause(45_000)
  await program.act(
    { act: 'inject-fault', upstream: 'alpaca', fault: 'reset', forMs: 12_000, reason: 'rehearsal of a short outage' },
    'otto',
  )
  await pause(35_000)
  await program.act({ act: 'pause', service: 'fred', reason: 'maintenance of the vendor', forMs: 3_600_000 }, 'otto')
  await program.act(
    {
      act: 'set-limit',
      service: 'polygon',
      reason: 'they asked for half of it today',
      forMs: 900_000,
      tokensPerSecond: 2,
      burstSize: 4,
    },
    'otto',
  )
  await program.act(
    { act: 'inject-fault', upstream: 'alpaca', fault: 'hang', forMs: 600_000, reason: 'rehearsal of the close' },
    'otto',
  )
  await pause(25_000)
}

async function shoot(page: Page, name: string, theme: string, width: number): Promise<void> {
  await page.screenshot({ path: join(FOLDER, `${name}-${width}-${theme}.png`) })
}

mkdirSync(FOLDER, { recursive: true })
const [browser, program] = await Promise.all([startBrowser(), startProgram({ BACKGROUND_TRAFFIC: 'true' })])
try {
  await live(program)
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const viewport of SIZES) {
      const { width } = viewport
      const outside = await pageOf(browser, program, undefined, { viewport, colorScheme })
      await outside.locator('input[name=token]').waitFor()
      await shoot(outside, 'sign-in', colorScheme, width)
      const page = await pageOf(browser, program, 'ada', { viewport, colorScheme })
      for (const [name, path, drawn] of VIEWS) {
        await page.goto(`${program.url}/console/${path}`)
        await page.locator(drawn).first().waitFor()
        await pause(1_500)
        await shoot(page, name, colorScheme, width)
      }
      await page.goto(`${program.url}/console/services/alpaca`)
      await page.getByRole('button', { name: 'Keep open…' }).click()
      await shoot(page, 'form', colorScheme, width)
      await page.goto(`${program.url}/console/`)
      await page.locator('.tile .spark').first().waitFor()
      program.freeze()
      await page.locator('.view-stale').waitFor()
      await shoot(page, 'stale', colorScheme, width)
      program.thaw()
      await closePages(browser)
    }
  }
  console.log(FOLDER)
} finally {
  await Promise.all([browser.close(), program.close()])
}
