import { PROBLEM_JSON, problem } from '@holdfast/http'
import { clientOf } from '@holdfast/http/fastify'
import { type Bar, checkedSymbol, type Observation, type Quote, TIMEFRAMES } from '@holdfast/trading'
import type { MarketData, ReadOptions, Sourced } from '@holdfast/trading/market-data'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { QuoteFeed } from '../live/quote-feed.ts'

const DAY_MS = 86_400_000

const maxAgeMs = z.coerce.number().min(0).max(DAY_MS).optional()
const time = z.string('it must be a date like 2026-01-05, or a moment like 2026-01-05T14:30:00Z').max(40)

export const barsQuery = z.strictObject({
  timeframe: z.enum(TIMEFRAMES).default('1Day'),
  from: time,
  to: time,
  limit: z.coerce.number().int().min(1).max(50_000).optional(),
  maxAgeMs,
})

export const quoteQuery = z.strictObject({ maxAgeMs })

export const seriesQuery = z.strictObject({
  from: time.optional(),
  to: time.optional(),
  limit: z.coerce.number().int().min(1).max(100_000).optional(),
  maxAgeMs,
})

interface WithSymbol {
  Params: { symbol: string }
}

/** Where an answer comes from and how old it is, as it stands beside the answer itself. */
type Origin = Omit<Sourced<unknown>, 'value'>

/** Bars, quotes and economic series, from whichever source answers. */
export function dataRoutes(app: FastifyInstance, marketData: MarketData, feed: QuoteFeed): void {
  app.get<WithSymbol>(
    '/v1/bars/:symbol',
    { config: { service: 'polygon', priority: 'background' } },
    async (request, reply): Promise<{ symbol: string; bars: readonly Bar[] } & Origin> => {
      const { maxAgeMs: youngerThan, ...query } = barsQuery.parse(request.query)
      const { symbol } = request.params
      const { value, ...origin } = await marketData.bars(symbol, query, reading(request, youngerThan))
      reply.answeredBy = origin.source
      return { symbol: symbol.toUpperCase(), bars: value, ...origin }
    },
  )

  app.get<WithSymbol>(
    '/v1/quotes/:symbol',
    { config: { service: 'polygon' } },
    async (request, reply): Promise<Quote & Origin> => {
      const { maxAgeMs: youngerThan } = quoteQuery.parse(request.query)
      const { value, ...origin } = await marketData.quote(request.params.symbol, reading(request, youngerThan))
      reply.answeredBy = origin.source
      return { ...value, ...origin }
    },
  )

  app.get<{ Params: { id: string } }>(
    '/v1/series/:id',
    { config: { service: 'fred', priority: 'background' } },
    async (request, reply): Promise<{ id: string; observations: readonly Observation[] } & Origin> => {
      const { maxAgeMs: youngerThan, ...query } = seriesQuery.parse(request.query)
      const { id } = request.params
      const { value, ...origin } = await marketData.series(id, query, reading(request, youngerThan))
      reply.answeredBy = origin.source
      return { id, observations: value, ...origin }
    },
  )

  // A stream has no end, so that nobody can ask for its head alone.
  app.get<WithSymbol>('/v1/quotes/:symbol/stream', { exposeHeadRoute: false }, (request, reply) => {
    const symbol = checkedSymbol(request.params.symbol)
    const client = clientOf(request)
    if (!feed.hasRoomFor(symbol, client)) return refuseStream(reply)
    reply.hijack()
    reply.raw.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    })
    feed.add(symbol, client, reply.raw)
    return reply
  })
}

function reading({ caller }: FastifyRequest, youngerThan: number | undefined): ReadOptions {
  // The signal is aborted at the caller's deadline.
  const { signal } = caller.forRead()
  return { signal, maxAgeMs: youngerThan }
}

function refuseStream(reply: FastifyReply): FastifyReply {
  const detail =
    'As many quotes are looked at as the gateway has room for, or as one client may look at. Come back later, or ask for single quotes.'
  return reply
    .code(503)
    .header('retry-after', '10')
    .type(PROBLEM_JSON)
    .send(problem('too-many-streams', 503, 'Too many streams', detail, { retryAfterMs: 10_000 }))
}
