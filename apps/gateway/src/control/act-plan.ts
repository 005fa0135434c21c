/** What an act does: who may, what it concerns, how things stand there, and the doing itself. */
import type { ActRequest, Role } from '@holdfast/console/api'
import type { Resilience, Service } from 'holdfast'
import type { KillSwitch } from './kill-switch.ts'
import type { Rehearsal } from './rehearsal.ts'
import type { ActSlot, KeptAct } from './standing-acts.ts'

/** An act that cannot be done here. */
export class ImpossibleActError extends Error {
  override readonly name = 'ImpossibleActError'
  readonly code = 'GATEWAY_IMPOSSIBLE_ACT'
}

/** An act, ready to be done. */
export interface ActPlan {
  /** The service, the upstream, or `orders`. */
  readonly target: string
  readonly role: Role
  /** What it changes; undefined for a rehearsal, which is not kept. */
  readonly slot: ActSlot | undefined
  /** What is in force afterwards; undefined when it ends what was. */
  readonly kept: Pick<KeptAct, 'kind' | 'figures'> | undefined
  /** How things stand, in words. */
  describe(): string
  apply(): void
  /** What has been done, in words: the beginning of a sentence whose subject is the target or the person. */
  readonly told: string
}

/** What acts work on. */
export interface ActSurroundings {
  readonly resilience: Resilience
  readonly killSwitch: KillSwitch
  readonly rehearsal: Rehearsal | undefined
  /** The limit and the slots of each service as they are configured. */
  readonly configured: ReadonlyMap<string, Configured>
}

/** What a service falls back to. */
export interface Configured {
  readonly limit: { readonly tokensPerSecond: number; readonly burstSize: number } | undefined
  readonly maxConcurrent: number | undefined
}

/** The figures that services are configured with; to be read before anybody changes one. */
export function configuredIn(resilience: Resilience): ReadonlyMap<string, Configured> {
  return new Map(
    resilience.services.map((service) => {
      const { tokensPerSecond = null, burstSize = null } = service.rateLimiter?.snapshot() ?? {}
      const limit = tokensPerSecond === null || burstSize === null ? undefined : { tokensPerSecond, burstSize }
      return [service.name, { limit, maxConcurrent: service.bulkhead?.maxConcurrent }]
    }),
  )
}

/** @throws ImpossibleActError that says why it cannot be done */
export function planAct(request: ActRequest, around: ActSurroundings, who: string, until: number | null): ActPlan {
  switch (request.act) {
    case 'trip':
    case 'pause':
    case 'disable':
    case 'reset':
      return circuitPlan(request.act, serviceOf(request.service, around), who)
    case 'set-limit':
      return limitPlan(serviceOf(request.service, around), around, request)
    case 'restore-limit':
      return limitPlan(serviceOf(request.service, around), around)
    case 'set-slots':
      return slotsPlan(serviceOf(request.service, around), around, request.maxConcurrent)
    case 'restore-slots':
      return slotsPlan(serviceOf(request.service, around), around)
    case 'stop-orders':
    case 'allow-orders':
      return ordersPlan(request.act === 'stop-orders', around.killSwitch, `${who}: ${request.reason}`)
    case 'inject-fault':
    case 'clear-faults':
      return rehearsalPlan(request, around.rehearsal, until)
  }
}

function serviceOf(name: string, { resilience }: ActSurroundings): Service {
  const service = resilience.services.find((known) => known.name === name)
  if (service !== undefined) return service
  const known = resilience.services.map((each) => each.name).join(', ')
  throw new ImpossibleActError(`there is no service ${JSON.stringify(name.slice(0, 60))}; known are ${known}`)
}

const CIRCUIT_WORDS = {
  trip: 'keeps the circuit open',
  pause: 'paused the service',
  disable: 'switched the circuit breaker off',
  reset: 'closed the circuit and let it decide by itself again',
} as const

function circuitPlan(act: 'trip' | 'pause' | 'disable' | 'reset', service: Service, who: string): ActPlan {
  const breaker = service.circuitBreaker
  if (breaker === undefined) throw new ImpossibleActError(`${service.name} has no circuit breaker`)
  return {
    target: service.name,
    role: act === 'disable' ? 'admin' : 'operator',
    slot: 'circuit',
    kept: act === 'reset' ? undefined : { kind: act, figures: {} },
    describe: () => (breaker.mode === 'automatic' ? breaker.state : `${breaker.state}, ${breaker.mode} by hand`),
    apply: () => {
      if (act === 'reset') breaker.reset()
      else if (act === 'disable') breaker.disable(`by ${who}`)
      else breaker.trip(`${act === 'pause' ? 'paused' : 'kept open'} by ${who}`)
    },
    told: CIRCUIT_WORDS[act],
  }
}

function limitPlan(
  { name, rateLimiter }: Service,
  { configured }: ActSurroundings,
  wanted?: { readonly tokensPerSecond: number; readonly burstSize?: number | undefined },
): ActPlan {
  const usual = configured.get(name)?.limit
  if (rateLimiter === undefined || usual === undefined)
    throw new ImpossibleActError(`${name} has no limit for all calls`)
  // A limit below the usual one keeps as much of the burst as fits its rate.
  const burstSize = wanted?.burstSize ?? Math.max(1, Math.min(usual.burstSize, Math.ceil(wanted?.tokensPerSecond ?? 0)))
  const limit = wanted === undefined ? usual : { tokensPerSecond: wanted.tokensPerSecond, burstSize }
  const raises = limit.tokensPerSecond > usual.tokensPerSecond || limit.burstSize > usual.burstSize
  return {
    target: name,
    role: raises ? 'admin' : 'operator',
    slot: 'limit',
    kept: wanted === undefined ? undefined : { kind: 'limit', figures: limit },
    describe: () => {
      const { tokensPerSecond, burstSize: burst } = rateLimiter.snapshot()
      return limitText(tokensPerSecond ?? 0, burst ?? 0)
    },
    apply: () => rateLimiter.setLimit(limit),
    told: `${wanted === undefined ? 'put the limit back to' : 'set the limit to'} ${limitText(limit.tokensPerSecond, limit.burstSize)}`,
  }
}

function limitText(tokensPerSecond: number, burstSize: number): string {
  return `${Number(tokensPerSecond.toFixed(3))} a second, ${Number(burstSize.toFixed(3))} at once`
}

function slotsPlan({ name, bulkhead }: Service, { configured }: ActSurroundings, wanted?: number): ActPlan {
  const usual = configured.get(name)?.maxConcurrent
  if (bulkhead === undefined || usual === undefined) throw new ImpossibleActError(`${name} has no bulkhead`)
  const maxConcurrent = wanted ?? usual
  return {
    target: name,
    role: maxConcurrent > usual ? 'admin' : 'operator',
    slot: 'slots',
    kept: wanted === undefined ? undefined : { kind: 'slots', figures: { maxConcurrent } },
    describe: () => `${bulkhead.maxConcurrent} slots`,
    apply: () => bulkhead.setMaxConcurrent(maxConcurrent),
    told: `${wanted === undefined ? 'put the slots back to' : 'set the slots to'} ${maxConcurrent}`,
  }
}

function ordersPlan(stop: boolean, killSwitch: KillSwitch, note: string): ActPlan {
  return {
    target: 'orders',
    role: 'operator',
    slot: 'orders',
    kept: stop ? { kind: 'stop', figures: {} } : undefined,
    describe: () => (killSwitch.engaged ? 'new orders stopped' : 'new orders taken'),
    apply: () => (stop ? killSwitch.engage(note) : killSwitch.release(note)),
    told: stop ? 'stopped new orders; cancels go through' : 'lets new orders through again',
  }
}

function rehearsalPlan(
  request: Extract<ActRequest, { act: 'inject-fault' | 'clear-faults' }>,
  rehearsal: Rehearsal | undefined,
  until: number | null,
): ActPlan {
  const { upstream } = request
  if (rehearsal === undefined) {
    throw new ImpossibleActError('the gateway talks to the real services: nothing can be rehearsed on them')
  }
  if (!rehearsal.upstreams.includes(upstream)) {
    const known = rehearsal.upstreams.join(', ')
    throw new ImpossibleActError(`there is no stand-in ${JSON.stringify(upstream.slice(0, 60))}; known are ${known}`)
  }
  return {
    target: upstream,
    role: 'operator',
    slot: undefined,
    kept: undefined,
    describe: () => rehearsal.of(upstream).faults.join(', ') || 'well',
    apply: () => {
      if (request.act === 'inject-fault') rehearsal.inject(upstream, request.fault, until ?? 0)
      else rehearsal.clear(upstream)
    },
    told: request.act === 'inject-fault' ? 'rehearses a failure of the stand-in' : 'ended the rehearsal',
  }
}
