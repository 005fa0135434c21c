/** What the rules of all upstreams have in common. */
import { z } from 'zod'

/** A duration of up to a day. */
export const milliseconds: z.ZodNumber = z.number().min(0).max(86_400_000)

export const beforeOrAfter = z.enum(['before', 'after'])

export const ruleId = z.string().min(1).max(100).optional()

/** A regular expression, written as a text. */
export const pattern = z.string().max(500).refine(isPattern, 'it must be a regular expression')

/** Which of the requests that a rule is about, and when. */
export const occurrence = {
  /** Which of the matching requests, counted from 1. */
  nth: z.array(z.number().int().min(1)).optional(),
  /** Not the first so many matching requests. */
  after: z.number().int().min(0).default(0),
  /** So many times, then no more. */
  times: z.number().int().min(1).optional(),
  probability: z.number().min(0).max(1).default(1),
  /** When, counted from the moment that the rule was set. */
  window: z
    .strictObject({ fromMs: milliseconds.default(0), toMs: milliseconds })
    .refine(({ fromMs, toMs }) => fromMs <= toMs, { path: ['toMs'], error: 'it must not be below fromMs' })
    .optional(),
}

/** The part of a rule that says which of the matching requests it befalls. */
export interface Occurrence {
  readonly nth?: readonly number[] | undefined
  readonly after: number
  readonly times?: number | undefined
  readonly probability: number
  readonly window?: { readonly fromMs: number; readonly toMs: number } | undefined
}

/** Answers late, and keeps a worker busy meanwhile. `where`: before or after the request took effect. */
const late = { type: z.literal('latency'), where: beforeOrAfter.default('before') }
export const latency = z.discriminatedUnion(
  'dist',
  [
    z.strictObject({ ...late, dist: z.literal('fixed').optional(), ms: milliseconds.default(1_000) }),
    z
      .strictObject({ ...late, dist: z.literal('uniform'), minMs: milliseconds, maxMs: milliseconds })
      .refine(({ minMs, maxMs }) => minMs <= maxMs, { path: ['maxMs'], error: 'it must not be below minMs' }),
    z.strictObject({ ...late, dist: z.literal('lognormal'), medianMs: milliseconds, sigma: z.number().min(0).max(5) }),
    z.strictObject({ ...late, dist: z.literal('pareto'), xm: milliseconds, alpha: z.number().min(0.1).max(10) }),
  ],
  oneOf('dist', ['fixed', 'uniform', 'lognormal', 'pareto']),
)

/** How a latency is drawn. */
export type Latency = z.output<typeof latency>

/** The complaint about a field that names none of the alternatives. */
export function oneOf(
  field: string,
  names: readonly string[],
): { error: (issue: { code?: string }) => string | undefined } {
  const rule = `${field} must be one of ${names.join(', ')}`
  return { error: ({ code }) => (code === 'invalid_union' ? rule : undefined) }
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text)
    return true
  } catch {
    return false
  }
}
