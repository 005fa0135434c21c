/** How much comes in over each route, and where it ends: counted for the picture of the flow. */
import type { RouteSecond } from '@holdfast/console/api'
import type { FastifyInstance } from 'fastify'

/** Where a request ended. */
export type RequestEnding = 'answered' | 'refusedAtGateway' | 'refusedAtService' | 'failed'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Name of the service that answers the route. */
    service?: string
  }
  interface FastifyReply {
    /** Where the request ended, as far as its answer tells. */
    ending: RequestEnding | null
    /** Name of the service that has answered, where it was another than the route's usual one. */
    answeredBy: string | null
  }
}

type Counts = Record<RequestEnding, number>

interface Counted {
  readonly route: string
  readonly service: string
  readonly counts: Counts
}

/** Counts requests by route and service. */
export class RouteTraffic {
  readonly #counted = new Map<string, Counted>()

  /** Watches an application. To be called before its routes are added. */
  watch(app: FastifyInstance): void {
    app.decorateReply('ending', null)
    app.decorateReply('answeredBy', null)
    app.addHook('onRoute', ({ url, method, config }) => {
      if (config?.service !== undefined && method !== 'HEAD') this.#of(`${String(method)} ${url}`, config.service)
    })
    app.addHook('onResponse', async ({ method, routeOptions }, reply) => {
      const usual = routeOptions.config.service
      if (usual === undefined || method === 'HEAD') return
      const service = reply.answeredBy ?? usual
      const ending = reply.ending ?? endingOf(reply.statusCode)
      this.#of(`${method} ${routeOptions.url}`, service).counts[ending]++
    })
  }

  /** What came in since it was asked last. */
  take(): readonly RouteSecond[] {
    return [...this.#counted.values()].map(({ route, service, counts }) => {
      const taken = { route, service, ...counts }
      Object.assign(counts, none())
      return taken
    })
  }

  #of(route: string, service: string): Counted {
    const key = `${route} ${service}`
    const known = this.#counted.get(key) ?? { route, service, counts: none() }
    this.#counted.set(key, known)
    return known
  }
}

function none(): Counts {
  return { answered: 0, refusedAtGateway: 0, refusedAtService: 0, failed: 0 }
}

/** An answer that did not come from a failure: the gateway's own limit, or the service's answer. */
function endingOf(status: number): RequestEnding {
  return status === 429 ? 'refusedAtGateway' : 'answered'
}

/** Where a request ended that was answered by a problem of that type. */
export function endingOfProblem(type: string, status: number): RequestEnding {
  const kind = type.slice(type.lastIndexOf(':') + 1)
  if (['circuit-open', 'service-busy', 'service-limit'].includes(kind)) return 'refusedAtService'
  if (['orders-stopped', 'too-many-requests', 'stopping', 'invalid-request'].includes(kind)) return 'refusedAtGateway'
  return status >= 500 || kind === 'service-throttles' ? 'failed' : 'answered'
}
