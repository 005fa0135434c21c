/** The stand-in for Polygon (Massive). */
import type { FastifyRequest } from 'fastify'
import type { Simulation } from '../simulation.ts'
import type { Refusal, UpstreamProfile } from '../upstream-server.ts'
import { aggregateRoutes } from './aggregate-routes.ts'
import { requestId } from './answers.ts'
import { pastTradeRoutes } from './past-trade-routes.ts'
import { referenceRoutes } from './reference-routes.ts'
import { tradeRoutes } from './trade-routes.ts'

/** The key that is always refused; any other is welcome. */
export const REFUSED_KEY = 'wrong'

/** The key of a plan without trades, quotes and snapshots. */
export const UNENTITLED_KEY = 'unentitled'

const TOO_MANY =
  "You've exceeded the maximum requests per minute, please wait or upgrade your subscription to continue. https://polygon.io/pricing"

export function polygon(simulation: Simulation): UpstreamProfile {
  return {
    name: 'polygon',
    // A paid plan. `PUT /_limits/polygon` makes it the free one: 5 in a rolling minute.
    limits: { requests: { requests: 100, windowMs: 1_000, window: 'rolling' } },
    authorize,
    limitsOf: () => ['requests'],
    tooMany: () => ({ status: 429, body: { status: 'ERROR', request_id: requestId(), error: TOO_MANY } }),
    headers: () => ({}),
    limitHeaders: () => ({}),
    notFound: () => ({ status: 404, body: { status: 'NOT_FOUND', request_id: requestId(), message: 'Not found.' } }),
    unreadable: (error) => ({ status: 400, body: { status: 'ERROR', request_id: requestId(), error } }),
    routes: (app) => {
      aggregateRoutes(app, simulation)
      tradeRoutes(app, simulation)
      pastTradeRoutes(app, simulation)
      referenceRoutes(app, simulation)
    },
  }
}

function authorize(request: FastifyRequest): string | Refusal {
  const { authorization } = request.headers
  const query = new URLSearchParams(request.url.split('?')[1])
  const key = authorization?.startsWith('Bearer ') ? authorization.slice(7) : (query.get('apiKey') ?? '')
  if (key === UNENTITLED_KEY && /^\/v\d\/(last|snapshot|trades)\//.test(request.url)) return unentitled()
  if (key !== '' && key !== REFUSED_KEY) return key
  return { status: 401, body: { status: 'ERROR', request_id: requestId(), error: 'Unknown API Key' } }
}

function unentitled(): Refusal {
  const message = 'You are not entitled to this data. Please upgrade your plan at https://polygon.io/pricing'
  return { status: 403, body: { status: 'NOT_AUTHORIZED', request_id: requestId(), message } }
}
