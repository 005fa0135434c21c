import { PROBLEM_JSON, problem } from '@holdfast/http'
import type { FastifyInstance } from 'fastify'
import type { Resilience } from 'holdfast'

/** Health and state, for load balancers and operators. */
export function operationsRoutes(app: FastifyInstance, resilience: Resilience, isStopping: () => boolean): void {
  app.get('/healthz', () => ({ status: 'alive' }))

  app.get('/readyz', (_request, reply) => {
    if (!isStopping()) return { status: 'ready' }
    const stopping = problem('stopping', 503, 'The gateway is stopping', 'Ask another one.', { retryAfterMs: 1_000 })
    return reply.code(503).header('retry-after', '1').type(PROBLEM_JSON).send(stopping)
  })

  app.get('/v1/resilience', () => resilience.snapshot())
}
