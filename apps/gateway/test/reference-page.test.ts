/** The reference page in a real browser. */
import { chromium } from 'playwright-core'
import { expect, it, onTestFinished } from 'vitest'
import { startWorld } from './support.ts'

/** Debian's Chromium. */
const CHROMIUM = '/usr/bin/chromium'

it('shows the routes and what a 429 means, without asking anybody else or breaking its policy', async () => {
  const { url } = await startWorld()
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
  onTestFinished(() => browser.close())
  const page = await browser.newPage()
  const complaints: string[] = []
  page.on('console', (message) => complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) complaints.push(request.url())
  })
  await page.goto(`${url}/docs`)
  await page.getByText('Place an order').click()
  await page.getByText('Too many requests').first().waitFor()
  expect(complaints).toEqual([])
})
