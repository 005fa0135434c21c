/** The stand-in for FRED, the data of the Federal Reserve Bank of St. Louis. */
import type { FastifyRequest } from 'fastify'
import type { Simulation } from '../simulation.ts'
import type { Refusal, UpstreamProfile } from '../upstream-server.ts'
import { seriesRoutes } from './series-routes.ts'

/** The key that is always refused; any other of 32 lower-case letters and digits is welcome. */
export const REFUSED_KEY = '0'.repeat(32)

export function fred(simulation: Simulation): UpstreamProfile {
  return {
    name: 'fred',
    limits: {
      perSecond: { requests: 2, windowMs: 1_000, window: 'rolling' },
      perMinute: { requests: 120, windowMs: 60_000, window: 'rolling' },
    },
    authorize,
    limitsOf: () => ['perSecond', 'perMinute'],
    tooMany: () => failure(429, 'Too Many Requests.  Exceeded Rate Limit'),
    headers: () => ({}),
    limitHeaders: (limit, remaining) => ({
      'x-rate-limit-limit': String(limit),
      'x-rate-limit-remaining': String(remaining),
    }),
    notFound: () => failure(404, 'Not Found.  The requested URL was not found on this server.'),
    unreadable: badRequest,
    ownFault: (action) => (action.type === 'spurious400ApiKey' ? unknownKey() : undefined),
    routes: (app) => seriesRoutes(app, simulation),
  }
}

/** An error as FRED tells it. */
export function failure(status: number, message: string): Refusal {
  return { status, body: { error_code: status, error_message: message } }
}

export function badRequest(message: string): Refusal {
  return failure(400, `Bad Request.  ${message}`)
}

const KEY_HELP = 'Read https://fred.stlouisfed.org/docs/api/api_key.html for more information.'

function unknownKey(): Refusal {
  return badRequest(`The value for variable api_key is not registered.  ${KEY_HELP}`)
}

function authorize(request: FastifyRequest): string | Refusal {
  const key = new URLSearchParams(request.url.split('?')[1]).get('api_key')
  if (key === null) return badRequest(`Variable api_key is not set.  ${KEY_HELP}`)
  if (!/^[a-z0-9]{32}$/.test(key)) {
    return badRequest(
      `The value for variable api_key is not a 32 character alpha-numeric lower-case string.  ${KEY_HELP}`,
    )
  }
  return key === REFUSED_KEY ? unknownKey() : key
}
