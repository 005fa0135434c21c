import { z } from 'zod'
import type { Observation } from './series.ts'

const date = z.string().regex(/^\d{4}-\d{2}-\d{2}$/)

const query = z.object({
  observation_start: date.default('1776-07-04'),
  observation_end: date.default('9999-12-31'),
  limit: z.coerce.number().int().min(1).max(100_000).default(100_000),
  offset: z.coerce.number().int().min(0).default(0),
  sort_order: z.enum(['asc', 'desc']).default('asc'),
  units: z.enum(['lin', 'chg', 'ch1', 'pch', 'pc1', 'log']).default('lin'),
  frequency: z.enum(['m', 'q', 'a']).optional(),
})

/** Which observations, and in which form. */
export type ObservationsQuery = z.output<typeof query>

/** @returns the name of the variable that makes no sense otherwise */
export function readObservationsQuery(input: unknown): ObservationsQuery | string {
  const read = query.safeParse(input)
  return read.success ? read.data : String(read.error.issues[0]?.path[0] ?? 'query')
}

/** Observations of a monthly series as a query wants them: averaged, transformed, and only those of its time. */
export function selected(
  monthly: readonly Observation[],
  { observation_start, observation_end, units, frequency = 'm', sort_order }: ObservationsQuery,
): readonly Observation[] {
  const months = { m: 1, q: 3, a: 12 }[frequency]
  const wanted = transformed(averaged(monthly, months), units, 12 / months).filter(
    (observation) => observation.date >= observation_start && observation.date <= observation_end,
  )
  return sort_order === 'desc' ? wanted.reverse() : wanted
}

/** Averages of so many months; a stretch that is not whole is left out. */
function averaged(monthly: readonly Observation[], months: number): readonly Observation[] {
  if (months === 1) return monthly
  const stretches = new Map<string, Observation[]>()
  for (const observation of monthly) {
    const [year = '', month = ''] = observation.date.split('-')
    const first = String(Math.floor((Number(month) - 1) / months) * months + 1).padStart(2, '0')
    const begin = `${year}-${first}-01`
    const stretch = stretches.get(begin) ?? []
    stretch.push(observation)
    stretches.set(begin, stretch)
  }
  return [...stretches]
    .filter(([, stretch]) => stretch.length === months)
    .map(([begin, stretch]) => ({
      date: begin,
      value: rounded(stretch.reduce((sum, { value }) => sum + (value ?? 0), 0) / months),
    }))
}

/** @param aYear how many observations a year has */
function transformed(
  observations: readonly Observation[],
  units: ObservationsQuery['units'],
  aYear: number,
): Observation[] {
  return observations.map(({ date, value }, index) => {
    const before = observations[index - (units.endsWith('1') ? aYear : 1)]?.value ?? null
    return { date, value: value === null ? null : inUnits(value, before, units) }
  })
}

function inUnits(value: number, before: number | null, units: ObservationsQuery['units']): number | null {
  if (units === 'lin') return value
  if (units === 'log') return rounded(Math.log(value))
  if (before === null) return null
  return rounded(units.startsWith('ch') ? value - before : (value / before - 1) * 100)
}

function rounded(value: number): number {
  return Math.round(value * 1e5) / 1e5
}
