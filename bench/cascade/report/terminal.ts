import { type Case, SCALES } from '../case.ts'
import { barText, type Outcome, shown } from '../figures.ts'
import { againstPrototype, judged, missesOf, totals } from './rows.ts'

/** Everything as text: a block for each case, a line for each contestant and scale. */
export function terminalReport(cases: readonly Case[], outcomes: readonly Outcome[]): string {
  const blocks = cases.map((one) => {
    const bars = one.bars.map((bar) => `${bar.label} ${barText(bar)}`).join(', ')
    const lines = outcomes
      .filter((outcome) => outcome.case === one.name)
      .toSorted((a, b) => a.scale - b.scale)
      .map((outcome) => line(one, outcome))
    return [`\n${one.name}: ${one.title}`, `  must: ${bars}`, ...lines].join('\n')
  })
  const ends = SCALES.flatMap((scale) => {
    const rows = totals(cases, outcomes, scale)
    if (rows.length === 0) return []
    const scores = rows.map(({ name, score }) => `  ${name.padEnd(24)}${score.toFixed(1).padStart(6)}`)
    const prototype = againstPrototype(cases, outcomes, scale)
    const compared =
      prototype === undefined
        ? []
        : [
            `  by the prototype's figures: ${prototype.holdfast.toFixed(1)}, prototype ${prototype.prototype.toFixed(1)}`,
          ]
    return [`\nmean score, rates × ${scale} (100 is perfect knowledge of the upstream)`, ...scores, ...compared]
  })
  const misses = missesOf(cases, outcomes).map((miss) => `  ${miss}`)
  const verdict = misses.length === 0 ? '\nevery bar is met' : ['\nbars missed:', ...misses].join('\n')
  return [...blocks, ...ends, verdict].join('\n')
}

function line(one: Case, { subject, scale, figures, missed, score }: Outcome): string {
  const cells = one.bars.map(({ label }) => {
    const text = `${label} ${shown(label, figures[label] ?? 0)}${missed.includes(label) ? ' ✗' : ''}`
    return text.padEnd(label.length + 10)
  })
  const mark = subject === judged(one) ? '▸' : ' '
  return `  ${mark} × ${String(scale).padEnd(4)}${subject.padEnd(24)}${score.toFixed(0).padStart(4)}  ${cells.join(' ')}`
}
