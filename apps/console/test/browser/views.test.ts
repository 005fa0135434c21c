import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { open, overflows, violations } from './looks.ts'
import { closePages, type Program, pageOf, startBrowser, startProgram } from './support.ts'

/** The views, and what shows that each is drawn. */
const VIEWS: readonly (readonly [path: string, drawn: string])[] = [
  ['', '.tile[data-service=polygon] .spark'],
  ['services/alpaca', '.settings td'],
  ['flow', '.flow-service'],
  ['incidents', '.incident'],
  ['rehearsal', '.rehearsal-board .tile'],
  ['audit', '.audit td'],
  ['services/nobody', '.blank'],
  ['nowhere', '.blank'],
]

let browser: Browser
let program: Program

beforeAll(async () => {
  ;[browser, program] = await Promise.all([startBrowser(), startProgram()])
  // One service that fails, one that a person has set, and something in every list.
  await program.fault('alpaca', { action: { type: 'reset' } })
  await program.ask('/v1/account', 8)
  await program.ask('/v1/quotes/AAPL', 4)
  await program.act({
    act: 'set-limit',
    service: 'polygon',
    reason: 'a long reason that goes on and on, so that it has to be broken somewhere',
    forMs: 900_000,
    tokensPerSecond: 2,
  })
  await program.act({ act: 'stop-orders', reason: 'to see the banner' })
})
afterAll(() => Promise.all([browser.close(), program.close()]))
afterEach(async () => {
  program.thaw()
  await closePages(browser)
})

describe('axe-core finds nothing', { timeout: 90_000 }, () => {
  it.each([
    ['light', 1_440],
    ['dark', 390],
  ] as const)('in any view, form or state, %s and %i pixels wide', async (colorScheme, width) => {
    const viewport = { width, height: 900 }
    const outside = await pageOf(browser, program, undefined, { colorScheme, viewport })
    await outside.locator('input[name=token]').waitFor()
    expect(await violations(outside), 'sign-in').toEqual([])
    const page = await pageOf(browser, program, 'ada', { colorScheme, viewport })
    for (const [path, drawn] of VIEWS) {
      await open(page, path, drawn)
      expect(await violations(page), path).toEqual([])
    }
    await open(page, 'services/polygon', '.settings td')
    await page.getByRole('button', { name: 'Set slots…' }).click()
    expect(await violations(page), 'a form').toEqual([])
    await page.keyboard.press('Escape')
    await page.keyboard.press('?')
    expect(await violations(page), 'keys').toEqual([])
    await page.keyboard.press('Escape')
    program.freeze()
    await page.locator('.view-stale').waitFor()
    expect(await violations(page), 'stale').toEqual([])
  })
})

describe('every view', { timeout: 60_000 }, () => {
  it.each([390, 768, 2_560])('fits into %i pixels, with no text cut', async (width) => {
    const page = await pageOf(browser, program, 'ada', { viewport: { width, height: 900 } })
    for (const [path, drawn] of VIEWS) {
      await open(page, path, drawn)
      expect(await overflows(page), path).toEqual([])
    }
  })

  it('stays where it is when the page turns stale, 390 pixels wide', async () => {
    const page = await pageOf(browser, program, 'ada', { viewport: { width: 390, height: 844 } })
    const heightOfHead = async (): Promise<number | undefined> =>
      (await page.locator('header.top').boundingBox())?.height
    await page.locator('.tile').first().waitFor()
    const live = await heightOfHead()
    program.freeze()
    await page.locator('.view-stale').waitFor()
    expect(await heightOfHead()).toBe(live)
  })

  it('stays where it is while figures change and the history comes in', async () => {
    const page = await pageOf(browser, program, 'ada')
    await page.addInitScript(`window.shifts = []; new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts.push([entry.value, ...entry.sources.map(({ node }) => node?.className ?? String(node))])
    }).observe({ type: 'layout-shift', buffered: true })`)
    for (const [path, drawn] of VIEWS.slice(0, 3)) {
      await page.goto(`${program.url}/console/${path}`)
      await page.locator(drawn).first().waitFor()
      await program.ask('/v1/quotes/AAPL', 3)
      await vi.waitFor(async () => expect(await page.evaluate('performance.now()')).toBeGreaterThan(2_500), {
        timeout: 10_000,
      })
      const shifts = await page.evaluate<[number, ...string[]][]>('window.shifts')
      const sum = shifts.reduce((all, [value]) => all + value, 0)
      // What Chrome's own guide calls good is 0.1.
      expect(sum, JSON.stringify(shifts)).toBeLessThan(0.02)
    }
  })

  it('has its landmarks, its title, and one first heading', async () => {
    const page = await pageOf(browser, program, 'ada')
    const titles: string[] = []
    for (const [path, drawn] of VIEWS) {
      await open(page, path, drawn)
      titles.push(await page.title())
      for (const landmark of ['banner', 'main', 'navigation'] as const) {
        expect(await page.getByRole(landmark).count(), `${landmark} of ${path}`).toBe(1)
      }
    }
    expect(titles.slice(0, 4)).toEqual(['Holdfast', 'alpaca · Holdfast', 'Flow · Holdfast', 'Incidents · Holdfast'])
  })
})

describe('the meter of retries', () => {
  it('is empty for a service that nobody asks, whatever its budget', async () => {
    const page = await pageOf(browser, program, 'vera')
    await open(page, 'services/fred', '.settings td')
    const meter = page.locator('.meter', { hasText: 'retries' })
    await meter.getByText(/^0 %, [\d.]+ of \d+ left$/).waitFor()
    expect(await meter.locator('i').getAttribute('style')).toContain('scaleX(0)')
    expect(await meter.locator('.hot').count()).toBe(0)
  })
})

describe('motion', () => {
  it('is left out for who asks for none', async () => {
    const page = await pageOf(browser, program, 'vera', { reducedMotion: 'reduce' })
    await page.locator('.tile').first().waitFor()
    expect(await page.evaluate('document.getAnimations().length')).toBe(0)
  })
})
