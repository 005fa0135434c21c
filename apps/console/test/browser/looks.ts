/** What can be said of any view: how it is reached, whether it is accessible, whether it fits. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Opens a view from within the page, as a link would. */
export async function open(page: Page, path: string, drawn: string): Promise<void> {
  await page.evaluate(`history.pushState(null, '', '/console/${path}'); dispatchEvent(new PopStateEvent('popstate'))`)
  await page.locator(drawn).first().waitFor()
}

/** What axe-core finds wrong, each with where. */
export async function violations(page: Page): Promise<string[]> {
  // The page's own policy forbids scripts of others; the debugger's are allowed.
  await page.evaluate(AXE)
  const { violations: found } = await page.evaluate<AxeResults>('axe.run(document, { resultTypes: ["violations"] })')
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} at ${target.join(' ')}: ${failureSummary}`),
  )
}

/** What is wider than its place, or cut. */
export function overflows(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(`(() => {
    const wide = document.documentElement.scrollWidth > innerWidth ? ['the page is ' + document.documentElement.scrollWidth + ' wide'] : []
    const cut = [...document.querySelectorAll('main *, header *')].filter((element) => {
      const { overflowX, textOverflow, display } = getComputedStyle(element)
      if (display === 'inline' || element.closest('.unseen, nav, .fresh, .table-card, .chart-place, .meter-track, svg')) return false
      return element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0 && (overflowX !== 'visible' || textOverflow !== 'clip' || element.children.length === 0)
    })
    return [...wide, ...cut.map((element) => element.tagName + '.' + element.className + ': ' + element.textContent.slice(0, 60))]
  })()`)
}
