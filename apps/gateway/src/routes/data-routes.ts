import { type Bar, type DataProvider, TIMEFRAMES } from '@holdfast/trading'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { requestSignal } from '../request-signal.ts'

const barsQuery = z.strictObject({
  timeframe: z.enum(TIMEFRAMES).default('1Day'),
  from: z.string('it must be a date like 2026-01-05, or a moment like 2026-01-05T14:30:00Z').max(40),
  to: z.string('it must be a date like 2026-01-05, or a moment like 2026-01-05T14:30:00Z').max(40),
  limit: z.coerce.number().int().min(1).max(50_000).optional(),
})

interface WithSymbol {
  Params: { symbol: string }
}

/** Bars and quotes. */
export function dataRoutes(app: FastifyInstance, data: DataProvider): void {
  const config = { service: 'polygon' } as const

  app.get<WithSymbol>(
    '/v1/bars/:symbol',
    { config },
    async (request, reply): Promise<{ symbol: string; bars: readonly Bar[] }> => {
      const query = barsQuery.parse(request.query)
      const { symbol } = request.params
      const bars = await data.getBars(symbol, query, { signal: requestSignal(reply) })
      return { symbol: symbol.toUpperCase(), bars }
    },
  )

  app.get<WithSymbol>('/v1/quotes/:symbol', { config }, (request, reply) =>
    data.getQuote(request.params.symbol, { signal: requestSignal(reply) }),
  )
}
