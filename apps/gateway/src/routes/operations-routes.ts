import { type Fleet, type FleetMember, type FleetSnapshot, FleetUnavailableError } from '@holdfast/redis'
import type { FastifyInstance } from 'fastify'
import type { Resilience } from 'holdfast'
import type { Access } from '../access/access.ts'

/** Where the gateway says that it lives; also while it stops. */
export const HEALTH_PATH = '/healthz'

/** What is asked of this gateway's part in a fleet. */
export type FleetPart = Pick<Fleet, 'snapshot' | 'members'>

/** `GET /v1/fleet`: this gateway's part, and all others. A gateway that is alone answers null. */
export interface FleetView extends FleetSnapshot {
  /** Null while Redis is away. */
  readonly members: readonly FleetMember[] | null
}

/** Health and state, for load balancers and operators. @param access who may see the state; undefined: everybody */
export function operationsRoutes(
  app: FastifyInstance,
  resilience: Resilience,
  fleet: FleetPart | undefined,
  access?: Access,
): void {
  const critical = { config: { priority: 'critical' } } as const
  app.get(HEALTH_PATH, critical, () => ({ status: 'alive' }))

  // A gateway that stops answers this like everything else: 503.
  app.get('/readyz', critical, () => ({ status: 'ready' }))

  const preHandler = access === undefined ? [] : [access.requires('viewer')]
  app.get('/v1/resilience', { preHandler }, () => resilience.snapshot())
  app.get('/v1/fleet', { preHandler }, () => (fleet === undefined ? null : fleetView(fleet)))
}

async function fleetView(fleet: FleetPart): Promise<FleetView> {
  const members = await fleet.members().catch((error: unknown) => {
    if (error instanceof FleetUnavailableError) return null
    throw error
  })
  return { ...fleet.snapshot(), members }
}
