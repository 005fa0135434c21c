/** Rate limits on every route of a Hono application, on every runtime: nothing here is Node's. */
import type { Context, MiddlewareHandler } from 'hono'
import type { RequestReader } from '../client/client-identity.ts'
import { type RoutedLimitOptions, RoutedLimits } from '../limit/routed-limits.ts'
import { joined } from '../node-request.ts'
import { addToHead } from './head-headers.ts'
import { nodeBindings } from './node-bindings.ts'
import { remoteAddress } from './remote-address.ts'
import { pathAndQuery } from './request.ts'

/** Options of the middleware. */
export interface HonoRateLimitOptions extends RoutedLimitOptions<Context> {
  /** The address at the other end of the socket. Default: as Node, Bun, Deno and Cloudflare's workers tell it. */
  readonly address?: ((context: Context) => string | undefined) | undefined
}

/** The middleware that a request has met. */
const MET: unique symbol = Symbol('holdfast.rateLimit')

interface Marked {
  [MET]?: unknown
}

/**
 * Limits every request that comes by, those to what does not exist too: for all clients together (`tokensPerSecond`,
 * `burstSize`), for each (`perClient`), or both, from both of which a request takes or from neither. Every answer carries
 * `RateLimit` and `RateLimit-Policy`; a 429 is problem+json and says `Retry-After`. Use it once, before everything else.
 *
 * @throws InvalidOptionError for an option that makes no sense. A request that meets two different ones is an error
 * @example
 * app.use(rateLimit({ tokensPerSecond: 1_000, perClient: { tokensPerSecond: 10, burstSize: 20 } }))
 */
export function rateLimit({ address = remoteAddress, ...options }: HonoRateLimitOptions): MiddlewareHandler {
  const reader: RequestReader<Context> = {
    method: ({ req }) => req.method,
    url: ({ req }) => pathAndQuery(req),
    header,
    address,
    connection: (context) => nodeBindings(context)?.incoming.socket,
  }
  const limits = new RoutedLimits(reader, options)
  return async (context: Context & Marked, next) => {
    if (context[MET] === limits) return await next()
    if (context[MET] !== undefined) throw twice()
    context[MET] = limits
    const asked = limits.admit(context)
    const admission = asked instanceof Promise ? await asked : asked
    if (admission === undefined) return await next()
    const { allowed, headers, body = null } = admission
    if (!allowed) return new Response(body, { status: 429, headers })
    const node = nodeBindings(context)
    if (node !== undefined) {
      // Ten times cheaper than the headers of a `Response` (bench: `http`), and on every answer, errors too.
      addToHead(node.outgoing, headers)
      return await next()
    }
    await next()
    setHeaders(context, headers)
    return undefined
  }
}

/** Node's own headers where they are at hand: to ask the request for one makes a `Headers` of them all (bench: `edges`). */
function header(context: Context, name: string): string | undefined {
  const node = nodeBindings(context)
  return node === undefined ? context.req.header(name) : joined(node.incoming.headers[name])
}

/** After the handler, because a `Response` that it has made itself knows nothing of what was prepared before. */
function setHeaders(context: Context, headers: Readonly<Record<string, string>>): void {
  try {
    for (const name in headers) context.res.headers.set(name, headers[name] ?? '')
  } catch (error) {
    // The headers of an answer that comes straight from `fetch` cannot be changed, those of its copy can.
    if (!(error instanceof TypeError)) throw error
    context.res = new Response(context.res.body, context.res)
    for (const name in headers) context.res.headers.set(name, headers[name] ?? '')
  }
}

function twice(): Error {
  return new Error('two rateLimit stand in the way of one request; put what a route needs into routes of the first')
}
