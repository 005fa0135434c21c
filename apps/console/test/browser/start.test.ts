import { expect, it, onTestFinished } from 'vitest'
import { startBrowser, startProgram, tile } from './support.ts'

it('the link that npm start prints opens a live board with traffic on it, without further ado', {
  timeout: 60_000,
}, async () => {
  const [browser, program] = await Promise.all([
    startBrowser(),
    startProgram({ BACKGROUND_TRAFFIC: 'true', CONTROL_TOKENS: '' }),
  ])
  onTestFinished(async () => void (await Promise.all([browser.close(), program.close()])))
  const page = await browser.newPage()
  await page.goto(program.consoleLink())
  await page.locator('.fresh-live').waitFor()
  for (const service of ['alpaca', 'polygon', 'ib']) await tile(page, service).getByText('100 %').waitFor()
  expect(page.url()).toBe(`${program.url}/console/`)
})
