/** The stand-in for Yahoo: one port for all of its hosts, which the header `x-orig-host` tells apart. */
import type { FastifyRequest } from 'fastify'
import type { Simulation } from '../simulation.ts'
import type { UpstreamProfile } from '../upstream-server.ts'
import { complaint, PLAIN } from './answers.ts'
import { chartRoutes } from './chart-routes.ts'
import { askConsent, consentRoutes } from './consent-routes.ts'
import { quoteRoutes } from './quote-routes.ts'
import { sessionRoutes } from './session-routes.ts'

export function yahoo(simulation: Simulation): UpstreamProfile {
  return {
    name: 'yahoo',
    limits: { requests: { requests: 60, windowMs: 60_000, window: 'rolling' } },
    authorize: addressOf,
    limitsOf: () => ['requests'],
    tooMany: () => ({ status: 429, body: 'Too Many Requests\r\n', headers: PLAIN }),
    headers: () => ({}),
    limitHeaders: () => ({}),
    notFound: () => ({ status: 404, body: complaint('finance', 'Not Found', 'No such page') }),
    unreadable: (message) => ({ status: 400, body: complaint('finance', 'Bad Request', message) }),
    ownFault: (action, request) => {
      if (action.type === 'consent') return askConsent(simulation, request.url.split('?')[0] ?? '')
      if (action.type === 'rotateCrumb') simulation.crumbs.rotate()
      return action.type === 'badCrumb200' ? { status: 200, body: action.text, headers: PLAIN } : undefined
    },
    routes: (app) => {
      sessionRoutes(app, simulation)
      quoteRoutes(app, simulation)
      chartRoutes(app, simulation)
      consentRoutes(app, simulation)
    },
  }
}

/** There are no keys: Yahoo goes by where requests come from. The header `x-client-ip` pretends another place. */
function addressOf({ headers, ip }: FastifyRequest): string {
  const pretended = headers['x-client-ip']
  return typeof pretended === 'string' && pretended !== '' ? pretended : ip
}
