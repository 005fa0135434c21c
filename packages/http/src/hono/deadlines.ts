/** Deadlines in a Hono application, on every runtime. */
import type { Context, MiddlewareHandler } from 'hono'
import { Caller } from '../caller/caller.ts'
import { DEADLINE_HEADER, type DeadlineOptions, Deadlines } from '../caller/deadlines.ts'
import { watchConnection } from '../caller/node-caller.ts'
import { PROBLEM_JSON } from '../problem.ts'
import { nodeBindings } from './node-bindings.ts'

const callers = new WeakMap<Context, Caller>()

/**
 * Tells every route how long its caller waits, from the header `X-Request-Deadline-Ms` and from the connection: see
 * {@link callerOf}. Requests whose time has passed are answered 504 at once.
 *
 * @throws InvalidOptionError for an option that makes no sense
 * @example
 * app.use(deadlines())
 */
export function deadlines(options: DeadlineOptions = {}): MiddlewareHandler {
  const asked = new Deadlines(options)
  return async (context, next) => {
    const caller = callers.get(context) ?? asked.read(context.req.header(DEADLINE_HEADER))
    if (!(caller instanceof Caller)) {
      const headers = { 'content-type': PROBLEM_JSON }
      return new Response(JSON.stringify(caller), { status: caller.status, headers })
    }
    if (!callers.has(context)) watch(caller, context)
    callers.set(context, caller)
    await next()
    return undefined
  }
}

/**
 * Who waits for the answer to a request.
 *
 * @throws Error when the request has not come by {@link deadlines}
 * @example
 * const quote = await polygon.execute(({ signal }) => getQuote(symbol, signal), callerOf(context).forRead())
 */
export function callerOf(context: Context): Caller {
  const caller = callers.get(context)
  if (caller === undefined) throw new Error('the request has not come by deadlines(); use it before the route')
  return caller
}

function watch(caller: Caller, context: Context): void {
  const node = nodeBindings(context)
  if (node !== undefined) watchConnection(caller, node.incoming, node.outgoing)
  else context.req.raw.signal.addEventListener('abort', () => caller.end('gone'), { once: true })
}
