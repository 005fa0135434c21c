import type { FastifyInstance } from 'fastify'
import type { Resilience } from 'holdfast'

/** Where the gateway says that it lives; also while it stops. */
export const HEALTH_PATH = '/healthz'

/** Health and state, for load balancers and operators. */
export function operationsRoutes(app: FastifyInstance, resilience: Resilience): void {
  app.get(HEALTH_PATH, () => ({ status: 'alive' }))

  // A gateway that stops answers this like everything else: 503.
  app.get('/readyz', () => ({ status: 'ready' }))

  app.get('/v1/resilience', () => resilience.snapshot())
}
