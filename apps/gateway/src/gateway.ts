/** The gateway: every route rate limited, every upstream guarded, every failure an honest answer. */

import { PROBLEM_JSON, problem } from '@holdfast/http'
import { type FastifyRateLimitOptions, rateLimit } from '@holdfast/http/fastify'
import { type FastifyInstance, fastify } from 'fastify'
import { type Clock, isRejection, systemClock } from 'holdfast'
import { gatewayProblem } from './answers.ts'
import { dataRoutes } from './routes/data-routes.ts'
import { operationsRoutes } from './routes/operations-routes.ts'
import { tradingRoutes } from './routes/trading-routes.ts'
import type { GuardedUpstreams } from './upstreams.ts'

/** How a gateway is made. */
export interface GatewayOptions {
  readonly upstreams: GuardedUpstreams
  /** Limits of the requests that come in. */
  readonly limits: FastifyRateLimitOptions
  /** Default `silent`. */
  readonly logLevel?: string | undefined
  readonly clock?: Clock | undefined
}

/** How long a stopping gateway waits for requests that run, in milliseconds. */
export const STOP_LIMIT_MS = 10_000

/** A gateway. */
export interface Gateway {
  readonly app: FastifyInstance
  /** Takes no more requests, finishes those that run (for ten seconds at most), and closes. */
  stop(): Promise<void>
}

/** Makes a gateway. It listens once `app.listen` is called. */
export async function createGateway({
  upstreams,
  limits,
  logLevel = 'silent',
  clock = systemClock,
}: GatewayOptions): Promise<Gateway> {
  let stopping = false
  const app = fastify({
    logger: { level: logLevel },
    bodyLimit: 64 * 1_024,
    // Longer than any symbol or id, so that the answer is "makes no sense" and not "no such route".
    routerOptions: { maxParamLength: 16_384 },
  })
  app.setErrorHandler((error, request, reply) => {
    const told = gatewayProblem(error)
    // A refusal is no news: that the circuit opened was told when it did.
    if (told.status >= 500 && !isRejection(error)) request.log.warn({ err: error, status: told.status }, told.title)
    if (told.retryAfter !== undefined) reply.header('retry-after', String(told.retryAfter))
    return reply.code(told.status).type(PROBLEM_JSON).send(told)
  })
  app.setNotFoundHandler((request, reply) => {
    const detail = `There is no ${request.method} ${request.url.split('?')[0]?.slice(0, 100)}. See the gateway's README for the routes.`
    return reply
      .code(404)
      .type(PROBLEM_JSON)
      .send(problem('no-such-route', 404, 'No such route', detail))
  })
  await app.register(rateLimit, { clock, ...limits })
  tradingRoutes(app, upstreams.broker)
  dataRoutes(app, upstreams.data)
  operationsRoutes(app, upstreams.resilience, () => stopping)
  return {
    app,
    stop: async () => {
      stopping = true
      const limit = clock.setTimer(() => app.server.closeAllConnections(), STOP_LIMIT_MS)
      await app.close()
      limit.cancel()
    },
  }
}
