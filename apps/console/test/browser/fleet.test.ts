import { type GatewayFleet, startGatewayFleet } from '@holdfast/gateway/fleet'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { open, overflows, violations } from './looks.ts'
import { closePages, pageOf, startBrowser } from './support.ts'

let browser: Browser
let fleet: GatewayFleet

beforeAll(async () => {
  ;[browser, fleet] = await Promise.all([startBrowser(), startGatewayFleet({ processes: 2 })])
})
afterAll(() => Promise.all([browser.close(), fleet.close()]))
afterEach(() => closePages(browser))

/** The first gateway's page, at its view of the fleet. */
async function viewOfFleet(options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
  const [first] = fleet.gateways
  const page = await pageOf(browser, { url: first?.url ?? '' }, undefined, options)
  // As who follows the link that the command prints.
  await page.goto('about:blank')
  await page.goto(`${first?.url}/console/#token=${fleet.token}`)
  await page.getByRole('link', { name: 'Fleet' }).click()
  await page.locator('[data-process=gateway-2]').waitFor()
  return page
}

const states = (page: Page): Promise<string[]> => page.locator('[data-process] [data-label=Now]').allTextContents()

describe('the view of the fleet', { timeout: 90_000 }, () => {
  it.each([
    ['light', 1_440],
    ['dark', 390],
  ] as const)('is accessible and fits, %s and %i pixels wide', async (colorScheme, width) => {
    const page = await viewOfFleet({ colorScheme, viewport: { width, height: 844 } })
    expect(await violations(page)).toEqual([])
    expect(await overflows(page)).toEqual([])
    const stretched =
      '[...document.querySelectorAll(".table-card")].some((card) => card.scrollWidth > card.clientWidth)'
    expect(await page.evaluate(stretched)).toBe(false)
    await open(page, '', '.tile')
  })

  it('shows what becomes of the tokens of the gateway that it belongs to', async () => {
    const page = await viewOfFleet()
    const [first] = fleet.gateways
    const spent = page.locator('tr', { hasText: 'alpaca' }).first().locator('[data-label=Spent]')
    // Redis remembers from its first second on, and then tokens flow.
    await vi.waitFor(
      async () => {
        await (await fetch(`${first?.url}/v1/account`)).arrayBuffer()
        expect(Number(await spent.textContent())).toBeGreaterThan(0)
      },
      { timeout: 30_000, interval: 200 },
    )
  })

  it('shows a process that is killed as silent, with what is kept for it, and as one of the fleet when it is back', async () => {
    const page = await viewOfFleet()
    const second = fleet.gateways[1]
    expect(await states(page)).toEqual(['in the fleet', 'in the fleet'])
    const patience = { timeout: 30_000, interval: 100 }
    await second?.kill()
    await vi.waitFor(
      async () => expect(await states(page)).toEqual(['in the fleet', 'silent: gone, or cut off']),
      patience,
    )
    expect(await page.locator('main').textContent()).toContain(
      '2 processes, of which 1 is silent: gone, or cut off from Redis. 50 % of each limit is kept for it.',
    )
    expect(await violations(page)).toEqual([])
    await second?.start()
    await vi.waitFor(async () => expect(await states(page)).toEqual(['in the fleet', 'in the fleet']), patience)
    expect(await page.locator('main').textContent()).toContain('2 processes, and all are heard of.')
  })
})
