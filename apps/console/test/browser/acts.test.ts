import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { closePages, type Program, pageOf, startBrowser, startProgram, TOKENS, tile } from './support.ts'

let browser: Browser
let program: Program

beforeAll(async () => {
  ;[browser, program] = await Promise.all([startBrowser(), startProgram()])
})
afterAll(() => Promise.all([browser.close(), program.close()]))
afterEach(async () => {
  await closePages(browser)
  for (const service of ['alpaca', 'polygon']) {
    await program.act({ act: 'clear-faults', upstream: service, reason: 'the test is over' })
    await program.act({ act: 'reset', service, reason: 'the test is over' })
  }
})

/** Fills the open form and sends it. */
async function fill(
  page: Page,
  fields: { reason: string; forMs?: string; tokensPerSecond?: string; burstSize?: string },
): Promise<void> {
  const dialog = page.locator('dialog[open]')
  const { reason, forMs, ...numbers } = fields
  if (forMs !== undefined) await dialog.locator('select').selectOption(forMs)
  for (const [name, value] of Object.entries(numbers)) await dialog.locator(`[name="${name}"]`).fill(value)
  await dialog.locator('textarea').fill(reason)
  await dialog.locator('button.main').click()
  await dialog.waitFor({ state: 'detached' })
}

/** The rows of the audit, each as one text. */
async function audit(page: Page): Promise<string[]> {
  await page.getByRole('link', { name: 'Audit' }).click()
  await page.locator('.audit tbody tr').first().waitFor()
  return (await page.locator('.audit tbody tr').allInnerTexts()).map((text) => text.replace(/\s+/g, ' '))
}

describe('signing in', () => {
  it('takes a good token and keeps it out of the address, and says what is wrong with another', async () => {
    const page = await pageOf(browser, program, undefined)
    await page.locator('input[name=token]').fill('a-wrong-one')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('The token is not known').waitFor()
    await page.locator('input[name=token]').fill(TOKENS.otto)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await tile(page, 'alpaca').waitFor()
    await page.reload()
    await tile(page, 'alpaca').waitFor()
    const linked = await pageOf(browser, program, 'otto')
    expect(linked.url()).toBe(`${program.url}/console/`)
    await page.getByRole('button', { name: /otto/ }).click()
    await page.locator('input[name=token]').waitFor()
    expect(page.seen.complaints).toEqual([])
  })
})

describe('an outage', () => {
  it('that is rehearsed turns the tile to open, tells why, and is over when the stand-in is well', async () => {
    const page = await pageOf(browser, program, 'otto')
    await page.getByRole('link', { name: 'Rehearsal' }).click()
    await page.getByText('Cuts connections').click()
    await page.getByRole('button', { name: 'Begin: alpaca cuts connections' }).click()
    await page.getByText('alpaca fails until').waitFor()
    await page.getByRole('link', { name: 'Board', exact: true }).click()
    await program.ask('/v1/account', 6)
    const alpaca = tile(page, 'alpaca')
    await alpaca.getByText('Open', { exact: true }).waitFor()
    await alpaca.getByText(/calls failed: the connection was cut/).waitFor()
    await page
      .locator('.happenings')
      .getByText(/opened after \d+ failures in a row/)
      .waitFor()
    expect(await program.ask('/v1/account')).toEqual([503])
    await page.getByRole('link', { name: 'Rehearsal' }).click()
    await page.getByRole('button', { name: 'End for alpaca' }).click()
    await page.getByText('alpaca is well again').waitFor()
    await page.locator('.rehearsal-board').getByText('the next call is the probe').waitFor({ timeout: 20_000 })
    await program.ask('/v1/account')
    await page.locator('.rehearsal-board .tile-CLOSED[data-service=alpaca]').waitFor()
    await page.getByRole('link', { name: 'Incidents' }).click()
    await page
      .getByText(/Opened after \d failures in a row: the connection was cut/)
      .first()
      .waitFor()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Markdown' }).first().click(),
    ])
    expect(download.suggestedFilename()).toMatch(/^incident-\d+\.md$/)
  })

  it('is followed down to one refused call and its explanation', async () => {
    await program.act({ act: 'trip', service: 'alpaca', reason: 'to look at a refusal' })
    await program.ask('/v1/account', 3)
    const page = await pageOf(browser, program, 'vera')
    await tile(page, 'alpaca').getByRole('link').click()
    // The oldest of them: newer ones come on top, while one looks.
    const refused = page.locator('.timeline details').filter({ hasText: 'kept open by ada' }).last()
    await refused.getByText(/calls? refused/).click()
    await refused.getByText('getAccount, attempt 1').waitFor()
    await refused
      .getByText(/circuit was tripped by hand \(kept open by ada\)/)
      .last()
      .waitFor()
    expect(page.seen.complaints).toEqual([])
  })
})

describe('an operator', () => {
  it('keeps a circuit open, resets it, sets a limit for a while, and takes it back; a second page sees it; the audit has all', async () => {
    const page = await pageOf(browser, program, 'otto')
    const second = await pageOf(browser, program, 'vera')
    await tile(page, 'alpaca').getByRole('link').click()
    await page.getByRole('button', { name: 'Keep open…' }).click()
    await page.getByText('Refuses every call to alpaca at once').waitFor()
    await fill(page, { reason: 'they called us', forMs: '300000' })
    await page.getByText('alpaca is kept open until').waitFor()
    await tile(second, 'alpaca').getByText('Kept open by otto until').waitFor()
    await tile(second, 'alpaca').getByText('“they called us”').waitFor()
    await page.getByRole('button', { name: 'Reset…' }).click()
    await fill(page, { reason: 'they are back' })
    await tile(second, 'alpaca').getByText('Closed', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Set limit…' }).click()
    await fill(page, { reason: 'half of it for now', forMs: '900000', tokensPerSecond: '1.5', burstSize: '3' })
    await tile(second, 'alpaca').getByText('3 of 3 left').waitFor()
    await page.locator('.origin-operator').first().waitFor()
    await page
      .locator('.notice', { hasText: 'alpaca has 1.5 calls a second' })
      .getByRole('button', { name: 'Take back' })
      .click()
    await tile(second, 'alpaca').getByText('10 of 10 left').waitFor()
    const rows = await audit(page)
    expect(rows.slice(0, 4)).toEqual([
      expect.stringMatching(
        /otto.*restore-limit alpaca.*1\.5 a second, 3 at once.*3 a second, 10 at once.*taken back: half of it for now/,
      ),
      expect.stringMatching(
        /otto.*set-limit alpaca until .*3 a second, 10 at once.*1\.5 a second, 3 at once.*half of it for now/,
      ),
      expect.stringMatching(/otto.*reset alpaca.*OPEN, tripped by hand.*CLOSED.*they are back/),
      expect.stringMatching(/otto.*trip alpaca until .*CLOSED.*OPEN, tripped by hand.*they called us/),
    ])
    expect(page.seen.complaints.concat(second.seen.complaints)).toEqual([])
  })

  it('throws and releases the kill switch', async () => {
    const page = await pageOf(browser, program, 'otto')
    const second = await pageOf(browser, program, 'vera')
    await page.getByRole('button', { name: 'Stop new orders…' }).click()
    await fill(page, { reason: 'a desk runs wild' })
    await second.locator('.banner-stopped', { hasText: 'New orders are stopped by otto' }).waitFor()
    const order = { symbol: 'AAPL', side: 'buy', quantity: '1', type: 'market' }
    const headers = { 'content-type': 'application/json' }
    const sent = await fetch(`${program.url}/v1/orders`, { method: 'POST', headers, body: JSON.stringify(order) })
    expect(sent.status).toBe(503)
    await page.getByRole('button', { name: 'Allow new orders…' }).click()
    await fill(page, { reason: 'the desk is off' })
    await second.locator('.banner-stopped').waitFor({ state: 'detached' })
    expect((await audit(page)).slice(0, 2)).toEqual([
      expect.stringMatching(/otto.*allow-orders orders.*the desk is off/),
      expect.stringMatching(/otto.*stop-orders orders.*a desk runs wild/),
    ])
  })

  it('is told what he may not, and that a form lacks its reason', async () => {
    const page = await pageOf(browser, program, 'otto')
    await page.goto(`${program.url}/console/services/polygon`)
    await page.getByRole('button', { name: 'Set slots…' }).click()
    const dialog = page.locator('dialog[open]')
    await dialog.locator('[name=maxConcurrent]').fill('5000')
    await dialog.locator('button.main').click()
    expect(await dialog.locator('textarea:invalid').count()).toBe(1)
    await dialog.locator('textarea').fill('more of everything')
    await dialog.locator('button.main').click()
    await dialog.getByText('needs admin here').waitFor()
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    expect(await page.getByRole('button', { name: 'Switch breaker off…' }).count()).toBe(0)
  })
})

describe('a viewer', () => {
  it('sees everything and can do nothing', async () => {
    const page = await pageOf(browser, program, 'vera')
    expect(await page.getByRole('button', { name: 'Stop new orders…' }).count()).toBe(0)
    await tile(page, 'alpaca').getByRole('link').click()
    await page.getByText('Acts need the role operator').waitFor()
    await page.keyboard.press('t')
    await page.getByText('This needs the role operator').waitFor()
    expect(await page.locator('dialog[open]').count()).toBe(0)
    await page.getByRole('link', { name: 'Rehearsal' }).click()
    await page.getByText('A rehearsal needs the role operator').waitFor()
    expect(await program.act({ act: 'trip', service: 'alpaca', reason: 'by hand' }, 'vera')).toBe(403)
  })
})

describe('the keyboard', () => {
  it('does everything: find, move, open, trip, reset, go, help', async () => {
    const page = await pageOf(browser, program, 'otto')
    await tile(page, 'polygon').waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('poly')
    await tile(page, 'alpaca').waitFor({ state: 'detached' })
    await page.keyboard.press('Escape')
    await tile(page, 'alpaca').waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await page.keyboard.press('k')
    expect(await page.evaluate('document.activeElement.textContent')).toBe(
      await page.locator('.tile h3 a').first().textContent(),
    )
    await page.keyboard.press('t')
    await page.locator('dialog[open]', { hasText: 'Keep open' }).waitFor()
    await page.keyboard.press('Escape')
    await page.locator('dialog[open]').waitFor({ state: 'detached' })
    await page.keyboard.press('r')
    await page.locator('dialog[open]', { hasText: 'Reset' }).waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('Enter')
    await page.locator('.service h1').waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('i')
    await page.getByRole('heading', { name: 'Incidents' }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('b')
    await tile(page, 'alpaca').waitFor()
    await page.keyboard.press('?')
    await page.locator('dialog[open]', { hasText: 'find a service' }).waitFor()
  })
})

describe('script', () => {
  it('in a reason is shown as text, everywhere', async () => {
    const reason = '<img src=x onerror=alert(1)><script>alert(2)</script>'
    await program.act({ act: 'trip', service: 'alpaca', reason })
    const page = await pageOf(browser, program, 'vera')
    await tile(page, 'alpaca').getByText(`“${reason}”`).waitFor()
    await page.locator('.happenings').getByText(reason).first().waitFor()
    await page.getByRole('link', { name: 'Audit' }).click()
    await page.locator('.reason', { hasText: reason }).first().waitFor()
    expect(await page.locator('main img, main script').count()).toBe(0)
    expect(page.seen.complaints).toEqual([])
  })

  it('in an error message is shown as text, and runs nowhere', async () => {
    const body = '{"message":"<script>alert(3)</script>"}'
    const fault = { action: { type: 'status', code: 503, body } }
    await program.fault('alpaca', fault)
    await program.ask('/v1/account', 6)
    const page = await pageOf(browser, program, 'vera')
    await tile(page, 'alpaca').getByText('Open', { exact: true }).waitFor()
    expect(await page.locator('main script').count()).toBe(0)
    expect(page.seen.complaints).toEqual([])
  })
})

describe('the page', () => {
  it('asks nobody but the gateway, under a policy without inline script', async () => {
    const page = await pageOf(browser, program, 'ada')
    for (const path of ['services/alpaca', 'flow', 'incidents', 'rehearsal', 'audit']) {
      await page.goto(`${program.url}/console/${path}`)
      await page.locator('.fresh-live').waitFor()
    }
    expect([...page.seen.hosts]).toEqual([new URL(program.url).host])
    const answer = await fetch(`${program.url}/console/`)
    expect(answer.headers.get('content-security-policy')).toMatch(
      /default-src 'none'; script-src 'self'; style-src 'self'/,
    )
    expect(await answer.text()).not.toMatch(/<script(?![^>]*src=)|style=|onerror/)
    expect(page.seen.complaints).toEqual([])
  })
})
