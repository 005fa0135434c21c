/** Query strings of the trading and the data API. What makes no sense is refused, as the real service does. */
import { z } from 'zod'
import type { BarUnit } from '../market/market.ts'

const units: ReadonlyMap<string, BarUnit> = new Map([
  ['Min', 'minute'],
  ['T', 'minute'],
  ['Hour', 'hour'],
  ['H', 'hour'],
  ['Day', 'day'],
  ['D', 'day'],
  ['Week', 'week'],
  ['W', 'week'],
  ['Month', 'month'],
  ['M', 'month'],
])

const time = z
  .string()
  .transform((text) => Date.parse(text))
  .refine((at) => !Number.isNaN(at), 'use RFC 3339 or YYYY-MM-DD')

const symbolList = z
  .string()
  .max(4_000)
  .transform((text) =>
    text
      .split(',')
      .filter((symbol) => symbol !== '')
      .map((symbol) => symbol.toUpperCase()),
  )

const orders = z.object({
  status: z.enum(['open', 'closed', 'all']).default('open'),
  limit: z.coerce.number().int().min(1).max(500).default(50),
  symbols: symbolList.optional(),
  side: z.enum(['buy', 'sell']).optional(),
  direction: z.enum(['asc', 'desc']).default('desc'),
  nested: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true'),
  after: time.optional(),
  until: time.optional(),
})

const page = z
  .string()
  .default('')
  .transform((token) => Number(Buffer.from(token, 'base64url').toString()))
  .refine((offset) => Number.isSafeInteger(offset) && offset >= 0, 'use the next_page_token of the page before')

const bars = z.object({
  symbols: symbolList.refine((symbols) => symbols.length > 0, 'at least one symbol is needed'),
  timeframe: z
    .string()
    .default('1Day')
    .transform((text, context) => {
      const [, amount, word = ''] = /^([1-9]\d{0,2})([A-Za-z]+)$/.exec(text) ?? []
      const unit = units.get(word)
      if (unit !== undefined) return { amount: Number(amount), unit }
      context.addIssue({ code: 'custom', message: 'use a number and Min, Hour, Day, Week or Month' })
      return z.NEVER
    }),
  start: time.optional(),
  end: time.optional(),
  limit: z.coerce.number().int().min(1).max(10_000).default(1_000),
  page_token: page,
  feed: z.enum(['iex', 'sip', 'delayed_sip', 'boats', 'otc']).default('iex'),
})

/** The query of `GET /v2/orders`. */
export type OrderQuery = z.output<typeof orders>

/** @returns what is wrong as a text otherwise */
export function readOrderQuery(query: unknown): OrderQuery | string {
  return read(orders, query)
}

/** The query of `GET /v2/stocks/bars`. */
export type BarsQuery = z.output<typeof bars>

/** @returns what is wrong as a text otherwise */
export function readBarsQuery(query: unknown): BarsQuery | string {
  return read(bars, query)
}

const activities = z.object({
  page_size: z.coerce.number().int().min(1).max(100).default(100),
  /** The id of the last one on the page before. */
  page_token: z.string().optional(),
})

/** The query of `GET /v2/account/activities`. */
export type ActivitiesQuery = z.output<typeof activities>

/** @returns what is wrong as a text otherwise */
export function readActivitiesQuery(query: unknown): ActivitiesQuery | string {
  return read(activities, query)
}

/** Symbols as they are listed in a query, or nothing. */
export function readSymbols(query: unknown): readonly string[] {
  const found = z.object({ symbols: symbolList }).safeParse(query)
  return found.success ? found.data.symbols : []
}

/** The token that stands for a place in a list. */
export function pageToken(offset: number): string {
  return Buffer.from(String(offset)).toString('base64url')
}

function read<T>(schema: z.ZodType<T>, query: unknown): T | string {
  const found = schema.safeParse(query)
  if (found.success) return found.data
  const [issue] = found.error.issues
  return `invalid ${String(issue?.path[0] ?? 'query')}: ${issue?.message}`
}
