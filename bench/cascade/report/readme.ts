/** The table of the README, between two marks. */
import type { Case } from '../case.ts'
import { type Outcome, shown } from '../figures.ts'
import { bestPeer, judged, missesOf, outcomeOf, seedsText, totals } from './rows.ts'

const BEGIN = '<!-- written by npm run cascade -->'
const END = '<!-- end -->'

/** The text with another table in it. @throws RangeError when it has no place for one */
export function withTable(text: string, section: string): string {
  const from = text.indexOf(BEGIN)
  const to = text.indexOf(END, from)
  if (from < 0 || to < 0) throw new RangeError('the README has no marks for the table of the cascades')
  return `${text.slice(0, from + BEGIN.length)}\n\n${section}\n\n${text.slice(to)}`
}

const INTRODUCTION =
  '`npm run cascade` puts ways of guarding calls through 22 kinds of trouble, in virtual time and with the same requests for everybody ([what they are, and what the figures mean](docs/cascade.md), [all results](docs/cascade/results.md), [charts](docs/cascade/report.html)).'

/** All cases at the usual rates: Holdfast, the best of the others, and nothing at all. */
export function readmeSection(cases: readonly Case[], outcomes: readonly Outcome[]): string {
  const misses = missesOf(cases, outcomes)
  const scores = totals(cases, outcomes, 1).map(({ name, score }) => `${name} ${score.toFixed(1)}`)
  const verdict = misses.length === 0 ? 'every bar is met at all three rates' : `bars missed: ${misses.join('; ')}`
  return [
    '## Cascades, measured',
    '',
    INTRODUCTION,
    '',
    '| what goes wrong | Holdfast | the best of the others | nothing at all |',
    '| --- | --- | --- | --- |',
    ...cases.map((one) => {
      const own = outcomeOf(outcomes, one.name, judged(one), 1)
      const peer = bestPeer(outcomes, one.name, 1)
      const bare = outcomeOf(outcomes, one.name, 'bare', 1)
      const named = peer === undefined ? '' : `${figuresOf(one, peer)} (${peer.subject})`
      return `| ${one.name} | ${figuresOf(one, own)} | ${named} | ${figuresOf(one, bare)} |`
    }),
    '',
    `Rates × 1, Node ${process.version.slice(1)}, means of ${seedsText(outcomes)}; ${verdict}. Mean score, where 100 is perfect knowledge of the upstream: ${scores.join(' · ')}.`,
  ].join('\n')
}

/** The first three figures: those that the case is about. */
function figuresOf(one: Case, outcome: Outcome | undefined): string {
  if (outcome === undefined) return ''
  return one.bars
    .slice(0, 3)
    .map(({ label }) => `${label} ${shown(label, outcome.figures[label] ?? 0)}`)
    .join(', ')
}
