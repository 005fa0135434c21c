/** What all reports show: per case the profile that is judged, the best of the others, and everybody's score. */
import type { Case, Scale } from '../case.ts'
import type { Outcome } from '../figures.ts'
import { score } from '../figures.ts'

/** Contestants that are not ours. */
export function isPeer({ subject }: Pick<Outcome, 'subject'>): boolean {
  return !subject.startsWith('holdfast')
}

/** The contestant that a case judges. */
export function judged({ profile = 'INTERNAL' }: Case): string {
  return `holdfast ${profile}`
}

export function outcomeOf(
  outcomes: readonly Outcome[],
  name: string,
  subject: string,
  scale: Scale,
): Outcome | undefined {
  return outcomes.find((each) => each.case === name && each.subject === subject && each.scale === scale)
}

export function bestPeer(outcomes: readonly Outcome[], name: string, scale: Scale): Outcome | undefined {
  const peers = outcomes.filter((each) => each.case === name && each.scale === scale && isPeer(each))
  return peers.toSorted((a, b) => b.score - a.score)[0]
}

/** The mean score of everybody over the cases, best first; Holdfast is what each case judges. */
export function totals(
  cases: readonly Case[],
  outcomes: readonly Outcome[],
  scale: Scale,
): { name: string; score: number }[] {
  const names = [...new Set(outcomes.map(({ subject }) => subject))]
  const rows = names.map((name) => ({ name, score: mean(scoresOf(cases, outcomes, scale, () => name)) }))
  rows.push({ name: 'Holdfast', score: mean(scoresOf(cases, outcomes, scale, judged)) })
  return rows.filter(({ score: value }) => !Number.isNaN(value)).toSorted((a, b) => b.score - a.score)
}

/** Holdfast and the prototype by the figures that both have, over the cases that set the prototype's: at the usual rates. */
export function againstPrototype(
  cases: readonly Case[],
  outcomes: readonly Outcome[],
  scale: Scale,
): { holdfast: number; prototype: number } | undefined {
  if (scale !== 1) return undefined
  const pairs = cases.flatMap((one) => {
    const outcome = outcomeOf(outcomes, one.name, judged(one), scale)
    const { prototype } = one
    if (prototype === undefined || outcome === undefined) return []
    const bars = one.bars.filter(({ label }) => prototype[label] !== undefined)
    return [{ holdfast: score({ ...one, bars }, outcome.figures), prototype: score({ ...one, bars }, prototype) }]
  })
  if (pairs.length === 0) return undefined
  return {
    holdfast: mean(pairs.map(({ holdfast }) => holdfast)),
    prototype: mean(pairs.map(({ prototype }) => prototype)),
  }
}

/** With how many seeds everybody was run. */
export function seedsText([first]: readonly Outcome[]): string {
  const seeds = first?.seeds ?? 0
  return seeds === 1 ? 'one seed' : `${seeds} seeds`
}

/** The bars that Holdfast missed, in words. */
export function missesOf(cases: readonly Case[], outcomes: readonly Outcome[]): string[] {
  return outcomes
    .filter(({ case: name, subject, missed }) =>
      cases.some((one) => one.name === name && judged(one) === subject && missed.length > 0),
    )
    .map(({ case: name, scale, missed }) => `${name} × ${scale}: ${missed.join(', ')}`)
}

function scoresOf(
  cases: readonly Case[],
  outcomes: readonly Outcome[],
  scale: Scale,
  subjectOf: (one: Case) => string,
): number[] {
  return cases.flatMap((one) => outcomeOf(outcomes, one.name, subjectOf(one), scale)?.score ?? [])
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
