import type { FleetSnapshot } from '@holdfast/redis'
import type { FastifyInstance } from 'fastify'
import type { Resilience } from 'holdfast'
import type { Access } from '../access/access.ts'

/** Where the gateway says that it lives; also while it stops. */
export const HEALTH_PATH = '/healthz'

/** Health and state, for load balancers and operators. @param access who may see the state; undefined: everybody */
export function operationsRoutes(
  app: FastifyInstance,
  resilience: Resilience,
  fleet: (() => FleetSnapshot) | undefined,
  access?: Access,
): void {
  const critical = { config: { priority: 'critical' } } as const
  app.get(HEALTH_PATH, critical, () => ({ status: 'alive' }))

  // A gateway that stops answers this like everything else: 503.
  app.get('/readyz', critical, () => ({ status: 'ready' }))

  const preHandler = access === undefined ? [] : [access.requires('viewer')]
  app.get('/v1/resilience', { preHandler }, () => resilience.snapshot())
  if (fleet !== undefined) app.get('/v1/fleet', { preHandler }, () => fleet())
}
