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
  }
}

type Counts = Record<RequestEnding, number>

/** Counts requests by route. */
export class RouteTraffic {
  readonly #counts = new Map<string, { readonly service: string | null; readonly counts: Counts }>()

  /** Watches an application. To be called before its routes are added. */
  watch(app: FastifyInstance): void {
    app.decorateReply('ending', null)
    app.addHook('onRoute', ({ url, method, config }) => {
      if (config?.service === undefined || method === 'HEAD') return
      this.#counts.set(`${String(method)} ${url}`, { service: config.service, counts: none() })
    })
    app.addHook('onResponse', async ({ method, routeOptions }, reply) => {
      const known = this.#counts.get(`${method} ${routeOptions.url}`)
      if (known !== undefined) known.counts[reply.ending ?? endingOf(reply.statusCode)]++
    })
  }

  /** What came in since it was asked last. */
  take(): readonly RouteSecond[] {
    return [...this.#counts].map(([route, known]) => {
      const { service, counts } = known
      const taken = { route, service, ...counts }
      Object.assign(counts, none())
      return taken
    })
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
