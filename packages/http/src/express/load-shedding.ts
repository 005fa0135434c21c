/** Load shedding in an Express application, or in anything else that takes Connect's middleware. */
import { PROBLEM_JSON } from '../problem.ts'
import type { LoadShedder } from '../shedding/load-shedder.ts'
import { countInFlight } from '../shedding/node-slot.ts'
import { RoutedShedding, type RoutedSheddingOptions } from '../shedding/routed-shedding.ts'
import { type ExpressMiddleware, wholeUrl } from './middleware.ts'

/**
 * Turns requests away with 503 and `Retry-After` as soon as there is more than the process can carry: `background` first,
 * `critical` last. Use it once, before `rateLimit`, so that what is turned away costs no token. Its `shedder` tells how
 * things stand.
 *
 * @throws InvalidOptionError for an option that makes no sense
 * @example
 * app.use(loadShedding({ maxInFlight: 500, routes: { 'DELETE /orders/:id': 'critical', '/reports/*': 'background' } }))
 */
export function loadShedding(options: RoutedSheddingOptions): ExpressMiddleware & { readonly shedder: LoadShedder } {
  const shedding = new RoutedShedding(options)
  const { shedder } = shedding
  const middleware: ExpressMiddleware = (request, response, next) => {
    const shed = shedding.refusal(request.method ?? 'GET', wholeUrl(request))
    if (shed === undefined) {
      countInFlight(shedder, request, response)
      return next()
    }
    response.writeHead(503, { ...shed.headers, 'content-type': PROBLEM_JSON }).end(shed.body)
  }
  return Object.assign(middleware, { shedder })
}
