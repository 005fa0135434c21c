import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { closePages, type Program, pageOf, startBrowser, startProgram, TOKENS, tile } from './support.ts'

let browser: Browser
let program: Program

beforeAll(async () => {
  ;[browser, program] = await Promise.all([startBrowser(), startProgram()])
})
afterAll(() => Promise.all([browser.close(), program.close()]))

describe('a page that has lost its connection', () => {
  it('says so and greys out when the gateway is silent, and catches up when it speaks again', async () => {
    const page = await pageOf(browser, program, 'vera')
    program.freeze()
    await page.getByText('What you see is old.').waitFor()
    await page.locator('.view-stale').waitFor()
    await page.locator('.fresh-stale').waitFor()
    program.thaw()
    await page.locator('.fresh-live').waitFor()
    await page.getByText('What you see is old.').waitFor({ state: 'detached' })
    await closePages(browser)
  })

  it('recovers when the gateway is killed and started again, with its session, what was set, and the history', async () => {
    const page = await pageOf(browser, program, 'vera')
    await program.act({ act: 'pause', service: 'polygon', reason: 'before the crash', forMs: 600_000 }, 'otto')
    await program.act({ act: 'trip', service: 'alpaca', reason: 'before the crash' }, 'otto')
    await program.ask('/v1/account', 4)
    await tile(page, 'polygon').getByText('Paused', { exact: true }).waitFor()
    await page.goto(`${program.url}/console/services/alpaca`)
    await page.getByText(/4 calls refused/).waitFor()
    await program.kill()
    await page.getByText('What you see is old.').waitFor()
    await program.restart()
    await page.locator('.fresh-live').waitFor()
    await page.locator('.service-head').getByText('Kept open by otto').waitFor()
    await page
      .locator('.timeline')
      .getByText(/4 calls refused/)
      .waitFor()
    await page.locator('.timeline').getByText('the gateway was started').nth(1).waitFor()
    await page.goto(`${program.url}/console/`)
    await tile(page, 'polygon').getByText('Paused by otto').waitFor()
    await page.locator('.happenings').getByText('still in force after a restart: before the crash').first().waitFor()
    expect(page.seen.complaints).toEqual([])
  })
})

describe('a page of a fleet', () => {
  it('looks again for the fleet when the first look finds no gateway', async () => {
    const page = await pageOf(browser, program, undefined)
    let looks = 0
    await page.route('**/v1/fleet', (route) =>
      looks++ === 0
        ? route.fulfill({
            status: 503,
            contentType: 'application/problem+json',
            body: '{"title":"not yet","status":503}',
          })
        : route.fulfill({ json: { processId: 'one', members: [], shards: [{ sharing: true }] } }),
    )
    await page.goto(`${program.url}/console/#token=${TOKENS.vera}`)
    await page.reload()
    await page.getByRole('link', { name: 'Fleet' }).waitFor()
    expect(looks).toBe(2)
    await closePages(browser)
  })
})

describe('a page whose own clock is wrong', () => {
  it('tells how long things are by the gateway’s clock', async () => {
    const page = await pageOf(browser, program, 'vera')
    await page.addInitScript('{ const now = Date.now; Date.now = () => now() + 86_400_000 * 3 }')
    await page.reload()
    await page.locator('.fresh-live').waitFor()
    await page.goto(`${program.url}/console/services/polygon`)
    await page.getByText(/Paused by otto until \d\d:\d\d:\d\d\./).waitFor()
    await page.getByText('24 h').waitFor()
    expect(page.seen.complaints).toEqual([])
  })
})
