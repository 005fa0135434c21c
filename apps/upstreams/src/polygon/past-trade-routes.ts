import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { ORIGIN_HEADER } from '../data-origin.ts'
import { dayAt, MINUTE_MS, midnightOf } from '../market/new-york-time.ts'
import type { Simulation } from '../simulation.ts'
import { refuse } from '../upstream-server.ts'
import { symbolOf, timeOf } from './aggregate-routes.ts'
import { requestId } from './answers.ts'
import { paged, readPage } from './pages.ts'

/** A day, or nanoseconds since 1970; its first and its last millisecond. */
const moment = z.string().transform((text, context) => {
  const nanoseconds = /^\d{19}$/.test(text) ? Math.floor(Number(text) / 1_000_000) : undefined
  const from = nanoseconds ?? timeOf(text, 'start')
  const to = nanoseconds ?? timeOf(text, 'end')
  if (from !== undefined && to !== undefined) return { from, to }
  context.addIssue({ code: 'custom', message: 'use YYYY-MM-DD or nanoseconds since 1970' })
  return z.NEVER
})

const query = z.object({
  timestamp: moment.optional(),
  'timestamp.gte': moment.optional(),
  'timestamp.gt': moment.optional(),
  'timestamp.lte': moment.optional(),
  'timestamp.lt': moment.optional(),
  order: z.enum(['asc', 'desc']).default('desc'),
})

/** Trades of the past: one at the end of each minute. Without a time, those of today. */
export function pastTradeRoutes(app: FastifyInstance, { market, marketClock }: Simulation): void {
  app.get<{ Params: { ticker: string } }>('/v3/trades/:ticker', (request, reply) => {
    const read = query.safeParse(request.query)
    const wanted = readPage(request, 1_000, 50_000)
    if ('status' in wanted) return refuse(reply, wanted)
    if (!read.success) {
      const [issue] = read.error.issues
      const error = `'${String(issue?.path[0])}' is invalid: ${issue?.message}`
      return refuse(reply, { status: 400, body: { status: 'ERROR', request_id: requestId(), error } })
    }
    const span = read.data
    const today = midnightOf(dayAt(marketClock.now()))
    const after = span.timestamp?.from ?? span['timestamp.gte']?.from ?? (span['timestamp.gt']?.to ?? today - 1) + 1
    const until =
      span.timestamp?.to ?? span['timestamp.lte']?.to ?? (span['timestamp.lt']?.from ?? Number.MAX_SAFE_INTEGER) - 1
    const end = Math.min(until, marketClock.now())
    const bars = market.bars(symbolOf(request.params.ticker), {
      amount: 1,
      unit: 'minute',
      from: after - MINUTE_MS,
      to: end,
    })
    const trades = bars
      .map(({ at, close, volume, trades: count }) => ({
        at: at + MINUTE_MS - 1,
        price: close,
        size: Math.ceil(volume / count),
      }))
      .filter(({ at }) => at >= after && at <= end)
    if (span.order === 'desc') trades.reverse()
    reply.header(ORIGIN_HEADER, 'interpolated')
    const { page, next } = paged(request, trades, wanted)
    return { results: page.map(tradeJson), status: 'OK', request_id: requestId(), ...next }
  })
}

function tradeJson({
  at,
  price,
  size,
}: {
  readonly at: number
  readonly price: number
  readonly size: number
}): object {
  const nanoseconds = at * 1_000_000
  return {
    conditions: [12],
    exchange: 4,
    id: String(Math.floor(at / MINUTE_MS) % 1_000_000),
    participant_timestamp: nanoseconds,
    price,
    sequence_number: Math.floor(at / 1_000) % 1_000_000_000,
    sip_timestamp: nanoseconds,
    size,
    tape: 3,
  }
}
