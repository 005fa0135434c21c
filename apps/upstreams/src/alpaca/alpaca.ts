/** The stand-in for Alpaca: the trading API and the data API on one port; their paths do not clash. */
import { randomUUID } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { Simulation } from '../simulation.ts'
import type { Refusal, UpstreamProfile } from '../upstream-server.ts'
import { accountRoutes, marketRoutes } from './account-routes.ts'
import { isAuthorized, REFUSED_SECRET } from './authorization.ts'
import { dataRoutes } from './data-routes.ts'
import { orderRoutes } from './order-routes.ts'
import { TradeUpdates } from './trade-updates.ts'

export function alpaca(simulation: Simulation): UpstreamProfile {
  const minute = { requests: 200, windowMs: 60_000, window: 'fixed' } as const
  const updates = new TradeUpdates(simulation)
  return {
    name: 'alpaca',
    limits: { trading: minute, data: minute },
    ledger: simulation.ledger,
    authorize,
    limitsOf: (request) => [request.url.startsWith('/v2/stocks') ? 'data' : 'trading'],
    tooMany: () => ({ status: 429, body: { code: 42910000, message: 'rate limit exceeded' } }),
    headers: () => ({ 'x-request-id': randomUUID().replaceAll('-', '') }),
    limitHeaders: (limit, remaining, resetAt) => ({
      'x-ratelimit-limit': String(limit),
      'x-ratelimit-remaining': String(remaining),
      'x-ratelimit-reset': String(Math.ceil(resetAt / 1_000)),
    }),
    notFound: () => ({ status: 404, body: { code: 40410000, message: 'endpoint not found' } }),
    unreadable: (message) => ({
      status: 400,
      body: { code: 40010000, message: `request body format is invalid: ${message}` },
    }),
    routes: (app) => {
      accountRoutes(app, simulation)
      marketRoutes(app, simulation)
      orderRoutes(app, simulation)
      dataRoutes(app, simulation)
    },
    sockets: { '/stream': updates.welcome },
  }
}

function authorize({ headers }: FastifyRequest): string | Refusal {
  const key = headers['apca-api-key-id']
  const secret = headers['apca-api-secret-key']
  const { authorization } = headers
  if (typeof key === 'string' && typeof secret === 'string' && isAuthorized(key, secret)) return key
  if (authorization?.startsWith('Bearer ') && authorization !== `Bearer ${REFUSED_SECRET}`)
    return authorization.slice(7)
  return { status: 401, body: { code: 40110000, message: 'request is not authorized' } }
}
