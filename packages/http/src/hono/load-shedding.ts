/** Load shedding in a Hono application, on every runtime. */
import type { Context, MiddlewareHandler } from 'hono'
import { watchEnd } from '../body-end.ts'
import { PROBLEM_JSON } from '../problem.ts'
import type { LoadShedder } from '../shedding/load-shedder.ts'
import { countInFlight } from '../shedding/node-slot.ts'
import { RoutedShedding, type RoutedSheddingOptions } from '../shedding/routed-shedding.ts'
import { nodeBindings } from './node-bindings.ts'
import { pathAndQuery } from './request.ts'

/**
 * Turns requests away with 503 and `Retry-After` as soon as there is more than the process can carry: `background` first,
 * `critical` last. Use it once, before `rateLimit`, so that what is turned away costs no token. Its `shedder` tells how
 * things stand. Not for workers that run one request at a time or freeze between two: there is nothing to measure.
 *
 * @throws InvalidOptionError for an option that makes no sense
 * @example
 * app.use(loadShedding({ maxInFlight: 500, routes: { 'DELETE /orders/:id': 'critical', '/reports/*': 'background' } }))
 */
export function loadShedding(options: RoutedSheddingOptions): MiddlewareHandler & { readonly shedder: LoadShedder } {
  const shedding = new RoutedShedding(options)
  const { shedder } = shedding
  const middleware: MiddlewareHandler = async (context, next) => {
    const shed = shedding.refusal(context.req.method, pathAndQuery(context.req))
    if (shed !== undefined) {
      return new Response(shed.body, { status: 503, headers: { ...shed.headers, 'content-type': PROBLEM_JSON } })
    }
    const node = nodeBindings(context)
    if (node !== undefined) {
      countInFlight(shedder, node.incoming, node.outgoing)
      return await next()
    }
    const end = begin(shedder, context)
    try {
      await next()
    } catch (error) {
      end()
      throw error
    }
    endWithAnswer(context, end)
    return undefined
  }
  return Object.assign(middleware, { shedder })
}

/** @returns to be called when the request is over; it is also when its client is gone */
function begin(shedder: LoadShedder, { req }: Context): () => void {
  let isOver = false
  const end = (): void => {
    if (isOver) return
    isOver = true
    shedder.end()
  }
  shedder.begin()
  req.raw.signal.addEventListener('abort', end, { once: true })
  return end
}

function endWithAnswer(context: Context, end: () => void): void {
  const { body } = context.res
  if (body === null) return end()
  context.res = new Response(watchEnd(body, end), context.res)
}
