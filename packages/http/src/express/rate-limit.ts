/** Rate limits on every route of an Express application, or of anything else that takes Connect's middleware. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RequestReader } from '../client/client-identity.ts'
import type { Admission } from '../limit/admission-control.ts'
import { type RoutedLimitOptions, RoutedLimits } from '../limit/routed-limits.ts'
import { nodeRequest } from '../node-request.ts'
import { type ExpressMiddleware, wholeUrl } from './middleware.ts'

/** Options of the middleware. `Request` is what `user` is given: name Express's own type to read what others put there. */
export type ExpressRateLimitOptions<Request extends IncomingMessage = IncomingMessage> = RoutedLimitOptions<Request>

/** The middleware that a request has met. */
const MET: unique symbol = Symbol('holdfast.rateLimit')

interface Marked {
  [MET]?: unknown
}

const reader: RequestReader<IncomingMessage> = { ...nodeRequest, url: wholeUrl }

/**
 * Limits every request that comes by, those to what does not exist too: for all clients together (`tokensPerSecond`,
 * `burstSize`), for each (`perClient`), or both, from both of which a request takes or from neither. Every answer carries
 * `RateLimit` and `RateLimit-Policy`; a 429 is problem+json and says `Retry-After`. Use it once, before everything else.
 *
 * @throws InvalidOptionError for an option that makes no sense. A request that meets two different ones is an error
 * @example
 * app.use(rateLimit({ tokensPerSecond: 1_000, perClient: { tokensPerSecond: 10, burstSize: 20 } }))
 */
export function rateLimit<Request extends IncomingMessage = IncomingMessage>(
  options: ExpressRateLimitOptions<Request>,
): ExpressMiddleware<Request> {
  const limits = new RoutedLimits<Request & Marked>(reader, options)
  return (request: Request & Marked, response, next) => {
    if (request[MET] === limits) return next()
    if (request[MET] !== undefined) return next(twice())
    request[MET] = limits
    const admission = limits.admit(request)
    if (admission === undefined) return next()
    if (admission instanceof Promise) admission.then((answer) => tell(answer, response, next), next)
    else tell(admission, response, next)
  }
}

function tell({ allowed, headers, body }: Admission, response: ServerResponse, next: () => void): void {
  for (const name in headers) response.setHeader(name, headers[name] ?? '')
  if (allowed) return next()
  response.statusCode = 429
  response.end(body)
}

function twice(): Error {
  return new Error('two rateLimit stand in the way of one request; put what a route needs into routes of the first')
}
