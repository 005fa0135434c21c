/** The report with charts: one file that needs nothing else. */
import type { SecondResult } from '@holdfast/testing'
import { type Case, SCALES } from '../case.ts'
import { barText, type Outcome, shown } from '../figures.ts'
import type { JobResult } from '../job.ts'
import { isPeer, judged, missesOf, outcomeOf, seedsText, totals } from './rows.ts'

const STYLE = `
:root { color-scheme: light dark; --ink: light-dark(#1b2530, #e6edf3); --soft: light-dark(#5b6b7b, #8b98a5);
  --line: light-dark(#d9e0e7, #2c3743); --back: light-dark(#fff, #10161d); --good: #1a9c6b; --bad: #d64545; --offered: light-dark(#c3ced9, #3a4754); --sent: #c98a1b }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back); max-width: 1180px; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.15rem; margin: 2.4rem 0 .2rem } p { margin: .2rem 0 .8rem; color: var(--soft) }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .86rem }
th, td { text-align: right; padding: .22rem .5rem; border-bottom: 1px solid var(--line); white-space: nowrap } th:first-child, td:first-child { text-align: left }
tr.judged td { font-weight: 600 } .miss { color: var(--bad) } .reached { color: var(--ink); font-size: .86rem } .scroll { overflow-x: auto }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(155px, 1fr)); gap: .8rem; margin: .6rem 0 1rem }
figure { margin: 0; border: 1px solid var(--line); border-radius: 6px; padding: .4rem .5rem } figcaption { font-size: .8rem; color: var(--soft) }
svg { width: 100%; height: auto; display: block } .offered { fill: var(--offered) } .good { fill: var(--good) } .sent { fill: none; stroke: var(--sent); stroke-width: 1.2 }
.other { fill: none; stroke: var(--bad); stroke-width: 1.2; stroke-dasharray: 3 2 } meter { width: min(14rem, 28vw) }
`

export function htmlReport(cases: readonly Case[], outcomes: readonly Outcome[], drawn: readonly JobResult[]): string {
  const scales = SCALES.filter((scale) => outcomes.some((outcome) => outcome.scale === scale))
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Cascades, measured</title>
<style>${STYLE}</style>
<h1>Cascades, measured</h1>
<p>Outages of a simulated platform in virtual time, the same arrivals and service times for every contestant. In the charts, second by second:
grey what was asked for, green what was answered in time, the orange line what was sent to the upstream, the dashed red line what was lost on the route that has nothing to do with it. Means of ${seedsText(outcomes)}. Charts: seed 1, rates × 1.</p>
<p>${verdict(cases, outcomes)}</p>
${scales.map((scale) => scoreTable(cases, outcomes, scale)).join('\n')}
${cases.map((one) => section(one, outcomes, drawn)).join('\n')}
</html>
`
}

function verdict(cases: readonly Case[], outcomes: readonly Outcome[]): string {
  const misses = missesOf(cases, outcomes)
  return misses.length === 0 ? 'Holdfast meets every bar.' : `Bars that Holdfast missed: ${escaped(misses.join('; '))}.`
}

function scoreTable(cases: readonly Case[], outcomes: readonly Outcome[], scale: (typeof SCALES)[number]): string {
  const rows = totals(cases, outcomes, scale).map(
    ({ name, score }) =>
      `<tr${name === 'Holdfast' ? ' class="judged"' : ''}><td>${escaped(name)}<td>${score.toFixed(1)}<td><meter min="0" max="100" value="${score.toFixed(1)}"></meter>`,
  )
  return `<h2>Mean score, rates × ${scale}</h2><table><tr><th>contestant<th>score<th>${rows.join('')}</table>`
}

function section(one: Case, outcomes: readonly Outcome[], drawn: readonly JobResult[]): string {
  const head = one.bars.map((bar) => `<th>${escaped(bar.label)}<br>${barText(bar)}`).join('')
  const rows = outcomes
    .filter((outcome) => outcome.case === one.name)
    .toSorted((a, b) => a.scale - b.scale)
    .map(({ subject, scale, figures, missed, score }) => {
      const cells = one.bars.map(
        ({ label }) => `<td${missed.includes(label) ? ' class="miss"' : ''}>${shown(label, figures[label] ?? 0)}`,
      )
      const mark = subject === judged(one) ? ' class="judged"' : ''
      return `<tr${mark}><td>${escaped(subject)}<td>× ${scale}<td>${score.toFixed(0)}${cells.join('')}`
    })
  const runs = drawn.find(({ job }) => job.case === one.name)?.runs ?? []
  // Of the profiles only the one that is judged is drawn.
  const charts = runs
    .filter(({ subject }) => subject === judged(one) || isPeer({ subject }))
    .map(({ subject, seconds }) =>
      seconds === undefined ? '' : `<figure>${chart(seconds)}<figcaption>${escaped(subject)}</figcaption></figure>`,
    )
  return `<h2>${escaped(one.name)}${one.isOwn ? ' <small>(own)</small>' : ''}</h2><p>${escaped(one.title)}</p>
<p class="reached">${reached(one, outcomes)}</p>
<div class="charts">${charts.join('')}</div>
<details><summary>Figures</summary><div class="scroll"><table><tr><th>contestant<th>rates<th>score${head}${rows.join('')}</table></div></details>`
}

/** What Holdfast reached at the usual rates, and what it must. */
function reached(one: Case, outcomes: readonly Outcome[]): string {
  const own = outcomeOf(outcomes, one.name, judged(one), 1)
  if (own === undefined) return ''
  const figures = one.bars.map((bar) => {
    const text = `${escaped(bar.label)} ${shown(bar.label, own.figures[bar.label] ?? 0)} (${barText(bar)})`
    return own.missed.includes(bar.label) ? `<b class="miss">${text}</b>` : text
  })
  return `${escaped(own.subject)}: ${figures.join(', ')}`
}

const WIDTH = 240
const HEIGHT = 70

/** At most so many points: of a long run each stands for several seconds. */
const MOST_POINTS = 40

function chart(all: readonly SecondResult[]): string {
  const seconds = thinned(all)
  const most = Math.max(1, ...seconds.map(({ offered, sent }) => Math.max(offered, Math.min(sent, offered * 3))))
  const x = (index: number): string => ((index / Math.max(1, seconds.length - 1)) * WIDTH).toFixed(0)
  const y = (value: number): string => (HEIGHT - (Math.min(value, most) / most) * HEIGHT).toFixed(0)
  const line = (of: (second: SecondResult) => number): string =>
    seconds.map((second, index) => `${x(index)},${y(of(second))}`).join(' ')
  const area = (of: (second: SecondResult) => number): string => `0,${HEIGHT} ${line(of)} ${WIDTH},${HEIGHT}`
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img"><polygon class="offered" points="${area(({ offered }) => offered)}"/><polygon class="good" points="${area(({ good }) => good)}"/><polyline class="sent" points="${line(({ sent }) => sent)}"/><polyline class="other" points="${line(({ offeredUnaffected, goodUnaffected }) => offeredUnaffected - goodUnaffected)}"/></svg>`
}

function thinned(seconds: readonly SecondResult[]): SecondResult[] {
  const step = Math.ceil(seconds.length / MOST_POINTS)
  return Array.from({ length: Math.ceil(seconds.length / step) }, (_, index) => {
    const group = seconds.slice(index * step, (index + 1) * step)
    const mean = (of: (second: SecondResult) => number): number =>
      Math.round((group.reduce((sum, second) => sum + of(second), 0) / group.length) * 10) / 10
    return {
      offered: mean(({ offered }) => offered),
      good: mean(({ good }) => good),
      offeredUnaffected: mean(({ offeredUnaffected }) => offeredUnaffected),
      goodUnaffected: mean(({ goodUnaffected }) => goodUnaffected),
      sent: mean(({ sent }) => sent),
    }
  })
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
