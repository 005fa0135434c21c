/** The shapes of what the gateway answers. The compiler holds them to the types that the routes return. */
import type { Problem } from '@holdfast/http'
import type { Account, Bar, Observation, Order, Position, Quote } from '@holdfast/trading'
import type { Sourced } from '@holdfast/trading/market-data'
import { z } from 'zod'

const decimal = z.string().describe('a decimal figure, as a text')
const moment = z.number().describe('milliseconds since 1970')

export const account: z.ZodType<Account> = z.object({
  id: z.string(),
  status: z.string().nullable(),
  currency: z.string(),
  cash: decimal,
  buyingPower: decimal,
  equity: decimal,
  tradingBlocked: z.boolean().nullable(),
})

export const position: z.ZodType<Position> = z.object({
  symbol: z.string(),
  side: z.string(),
  quantity: decimal,
  averageEntryPrice: decimal,
  marketValue: decimal,
  costBasis: decimal,
  unrealizedProfit: decimal,
  currentPrice: decimal,
})

export const order: z.ZodType<Order> = z.object({
  id: z.string(),
  clientOrderId: z.string(),
  symbol: z.string(),
  side: z.string(),
  type: z.string(),
  quantity: decimal.nullable(),
  filledQuantity: decimal,
  averageFillPrice: decimal.nullable(),
  limitPrice: decimal.nullable(),
  stopPrice: decimal.nullable(),
  status: z.string(),
  isOpen: z.boolean(),
  submittedAt: moment,
})

const origin = {
  source: z.string().describe('the service that it came from'),
  asOf: moment,
  ageMs: z.number(),
  stale: z.boolean().describe('whether it is the last good value, because no source answers now'),
}

type From<T> = T & Omit<Sourced<unknown>, 'value'>

const bar: z.ZodType<Bar> = z.object({
  at: moment,
  open: z.number(),
  high: z.number(),
  low: z.number(),
  close: z.number(),
  volume: z.number(),
})

export const bars: z.ZodType<From<{ symbol: string; bars: Bar[] }>> = z.object({
  symbol: z.string(),
  bars: z.array(bar),
  ...origin,
})

export const quote: z.ZodType<From<Quote>> = z.object({
  symbol: z.string(),
  at: moment,
  bid: z.number(),
  bidSize: z.number(),
  ask: z.number(),
  askSize: z.number(),
  ...origin,
})

const observation: z.ZodType<Observation> = z.object({ date: z.string(), value: z.number().nullable() })

export const series: z.ZodType<From<{ id: string; observations: Observation[] }>> = z.object({
  id: z.string(),
  observations: z.array(observation),
  ...origin,
})

/** RFC 9457. */
export const problemShape: z.ZodType<Pick<Problem, 'type' | 'title' | 'status' | 'detail' | 'code' | 'retryAfter'>> = z
  .object({
    type: z.string().describe('urn:holdfast:…, the same for the same kind of problem'),
    title: z.string(),
    status: z.number().int(),
    detail: z.string().describe('what happened this time, and what to do next'),
    code: z.string().exactOptional(),
    retryAfter: z.number().int().describe('when to come back, in seconds').exactOptional(),
  })
  .describe('RFC 9457, application/problem+json')
