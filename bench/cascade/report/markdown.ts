import type { Case } from '../case.ts'
import { SCALES } from '../case.ts'
import { barText, type Outcome, shown } from '../figures.ts'
import { againstPrototype, bestPeer, judged, outcomeOf, seedsText, totals } from './rows.ts'

/** The results as a page of the docs. */
export function markdownReport(cases: readonly Case[], outcomes: readonly Outcome[]): string {
  const scales = SCALES.filter((scale) => outcomes.some((outcome) => outcome.scale === scale))
  return [
    '# Cascades, measured',
    '',
    `Written by \`npm run cascade\`: in virtual time, with Node ${process.version.slice(1)}. Means of ${seedsText(outcomes)}. [What the cases are, how it is measured, and what the figures mean](../cascade.md); [the same with charts](report.html).`,
    '',
    ...scales.flatMap((scale) => [
      `## Rates × ${scale}`,
      '',
      '| case | must | Holdfast | best peer | bare |',
      '| --- | --- | --- | --- | --- |',
      ...cases.map((one) => {
        const own = outcomeOf(outcomes, one.name, judged(one), scale)
        const peer = bestPeer(outcomes, one.name, scale)
        const bare = outcomeOf(outcomes, one.name, 'bare', scale)
        const bars = one.bars.map((bar) => `${bar.label} ${barText(bar)}`).join(', ')
        const named = peer === undefined ? '' : `${cell(one, peer)} (${peer.subject})`
        return `| **${one.name}**${one.isOwn ? ' (own)' : ''} | ${bars} | ${cell(one, own)} | ${named} | ${cell(one, bare)} |`
      }),
      '',
      `Mean score: ${totals(cases, outcomes, scale)
        .map(({ name, score }) => `${name} ${score.toFixed(1)}`)
        .join(' · ')}.`,
      '',
      prototypeLine(cases, outcomes, scale),
      '',
    ]),
  ].join('\n')
}

function cell(one: Case, outcome: Outcome | undefined): string {
  if (outcome === undefined) return ''
  return one.bars
    .map(({ label }) => {
      const text = `${label} ${shown(label, outcome.figures[label] ?? 0)}`
      return outcome.missed.includes(label) ? `_${text}_` : text
    })
    .join(', ')
}

function prototypeLine(cases: readonly Case[], outcomes: readonly Outcome[], scale: (typeof SCALES)[number]): string {
  const pair = againstPrototype(cases, outcomes, scale)
  if (pair === undefined) return ''
  return `By the figures that the bars were set from: Holdfast ${pair.holdfast.toFixed(1)}, the prototype ${pair.prototype.toFixed(1)}.`
}
