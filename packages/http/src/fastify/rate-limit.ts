/** Rate limits on every route of a Fastify application. */
import type { FastifyPluginAsync, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import plugin from 'fastify-plugin'
import type { RequestReader } from '../client/client-identity.ts'
import type { Admission } from '../limit/admission-control.ts'
import { type RateLimitOptions, RequestLimits, type RouteLimit, type RouteRule } from '../limit/request-limits.ts'
import { joined } from '../node-request.ts'
import { withoutFastifysOwn } from './plugin-options.ts'

/** Options of the plugin. */
export type FastifyRateLimitOptions = RateLimitOptions<FastifyRequest>

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a request of this route costs, or limits of its own; false exempts the route. */
    rateLimit?: RouteLimit | false
  }
}

/** How Fastify writes that there are none. */
const NO_ROUTES = '(empty tree)'

const DECORATION = 'holdfastRateLimit'

const reader: RequestReader<FastifyRequest> = {
  method: ({ method }) => method,
  url: ({ url }) => url,
  header: ({ headers }, name) => joined(headers[name]),
  address: ({ socket }) => socket.remoteAddress,
  connection: ({ socket }) => socket,
}

const register: FastifyPluginAsync<FastifyRateLimitOptions> = async (app, options) => {
  if (app.hasDecorator(DECORATION)) {
    throw new Error('rateLimit is registered twice, so every request would pay twice; remove one of the two')
  }
  const onHookError = (error: unknown): void => {
    app.log.error({ err: error }, 'onLimited threw; the request was not affected')
  }
  const limits = new RequestLimits(reader, { onHookError, ...withoutFastifysOwn(options) })
  const rules = new Map<RouteLimit, RouteRule>()
  // One object is one rule: HEAD shares it with its GET.
  const ruleOf = (limit: RouteLimit, where: string): RouteRule => {
    const rule = rules.get(limit) ?? limits.ruleOf(`${where} config.rateLimit`, limit)
    rules.set(limit, rule)
    return rule
  }
  app.decorate(DECORATION, limits)
  const routes: RouteOptions[] = []
  app.addHook('onRoute', (route) => {
    const { method, url, config } = route
    if (config?.rateLimit) ruleOf(config.rateLimit, `${method} ${url}`)
    routes.push(route)
  })
  // To ask for the options of a route costs as much as a quarter of a decision: only where one says something of its limit.
  let asksRoutes = app.printRoutes() !== NO_ROUTES
  app.addHook('onReady', (done) => {
    asksRoutes ||= routes.splice(0).some(({ config }) => config?.rateLimit !== undefined)
    done()
  })
  app.addHook('onRequest', (request, reply, next) => {
    let rule: RouteRule | undefined
    if (asksRoutes) {
      const limit = request.routeOptions.config.rateLimit
      if (limit === false) return next()
      // A rule that a later hook has given to the route is made at its first request.
      rule = limit && (rules.get(limit) ?? ruleOf(limit, `${request.method} ${request.routeOptions.url}`))
    }
    const admission = limits.admit(request, rule)
    if (admission instanceof Promise) admission.then((answer) => tell(answer, reply, next), next)
    else tell(admission, reply, next)
  })
}

/**
 * Whose request it is, as the limit tells clients apart: `key:…`, `user:…` or `address:…`.
 *
 * @throws Error when the application has no {@link rateLimit}; what `user` of its options throws
 * @example
 * if (streamsOf(clientOf(request)) >= 8) return reply.code(429).send()
 */
export function clientOf(request: FastifyRequest): string {
  return request.server.getDecorator<RequestLimits<FastifyRequest>>(DECORATION).clientOf(request)
}

function tell({ allowed, headers, body }: Admission, reply: FastifyReply, next: () => void): void {
  if (allowed && headers['x-ratelimit-limit'] === undefined) {
    // Mostly there are these two. By name, because a loop over names costs half as much again (bench: `edges`).
    reply.header('ratelimit', headers.ratelimit)
    reply.header('ratelimit-policy', headers['ratelimit-policy'])
    return next()
  }
  for (const name in headers) reply.header(name, headers[name])
  if (allowed) next()
  else reply.code(429).send(body)
}

/**
 * Limits every route, those that do not exist too: for all clients together (`tokensPerSecond`, `burstSize`), for each
 * (`perClient`), or both, from both of which a request takes or from neither. Every answer carries `RateLimit` and
 * `RateLimit-Policy`; a 429 is problem+json and says `Retry-After`. Register it once, before the routes.
 *
 * @throws InvalidOptionError when it is registered, for an option that makes no sense; when a route is added, for its rule;
 *   Error when it is registered twice
 * @example
 * await app.register(rateLimit, { tokensPerSecond: 1_000, perClient: { tokensPerSecond: 10, burstSize: 20 } })
 * app.get('/report', { config: { rateLimit: { cost: 5 } } }, report)
 */
export const rateLimit: FastifyPluginAsync<FastifyRateLimitOptions> = plugin(register, {
  fastify: '5.x',
  name: '@holdfast/http',
})
