/** Deadlines in an Express application, or in anything else that takes Connect's middleware. */
import type { IncomingMessage } from 'node:http'
import { Caller } from '../caller/caller.ts'
import { DEADLINE_HEADER, type DeadlineOptions, Deadlines } from '../caller/deadlines.ts'
import { watchConnection } from '../caller/node-caller.ts'
import { joined } from '../node-request.ts'
import { PROBLEM_JSON } from '../problem.ts'
import type { ExpressMiddleware } from './middleware.ts'

const callers = new WeakMap<IncomingMessage, Caller>()

/**
 * Tells every route how long its caller waits, from the header `X-Request-Deadline-Ms` and from the connection: see
 * {@link callerOf}. Requests whose time has passed are answered 504 at once.
 *
 * @throws InvalidOptionError for an option that makes no sense
 * @example
 * app.use(deadlines())
 */
export function deadlines(options: DeadlineOptions = {}): ExpressMiddleware {
  const asked = new Deadlines(options)
  return (request, response, next) => {
    const caller = callers.get(request) ?? asked.read(joined(request.headers[DEADLINE_HEADER]))
    if (caller instanceof Caller) {
      if (!callers.has(request)) watchConnection(caller, request, response)
      callers.set(request, caller)
      return next()
    }
    response.writeHead(caller.status, { 'content-type': PROBLEM_JSON }).end(JSON.stringify(caller))
  }
}

/**
 * Who waits for the answer to a request.
 *
 * @throws Error when the request has not come by {@link deadlines}
 * @example
 * const quote = await polygon.execute(({ signal }) => getQuote(symbol, signal), callerOf(request).forRead())
 */
export function callerOf(request: IncomingMessage): Caller {
  const caller = callers.get(request)
  if (caller === undefined) throw new Error('the request has not come by deadlines(); use it before the route')
  return caller
}
