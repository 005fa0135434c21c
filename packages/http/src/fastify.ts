/** Rate limits on every route of a Fastify application. */
import type { FastifyInstance, FastifyPluginCallback, FastifyRequest } from 'fastify'
import plugin from 'fastify-plugin'
import { AdmissionControl, type AdmissionOptions } from './admit.ts'
import { clientAddress } from './client-address.ts'
import { clientKeyOf } from './client-key.ts'
import { PROBLEM_JSON } from './problem.ts'

/** What is told of a request that was turned away. */
export interface LimitedRequest {
  readonly client: string
  readonly method: string
  readonly url: string
}

/** Options of the plugin. */
export interface FastifyRateLimitOptions extends AdmissionOptions {
  /** How many proxies of ours stand in front; only what they wrote into `X-Forwarded-For` is believed. Default 0. */
  readonly trustProxy?: number | undefined
  /** Whose tokens a request takes. Default: those of the header `x-api-key`, else of the address (IPv6 by its /64). */
  readonly clientKey?: ((request: FastifyRequest) => string | undefined) | undefined
  /** Told of every request that is turned away. What it throws goes to the application's log. */
  readonly onLimited?: ((limited: LimitedRequest) => void) | undefined
}

/** What a route can say, in its `config`: its cost in tokens, or false to be exempt. */
export interface RouteRateLimit {
  readonly cost: number
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Cost of a request of this route in tokens (default 1); false exempts the route. */
    rateLimit?: RouteRateLimit | false
  }
}

const DECORATION = 'holdfastRateLimit'

const register: FastifyPluginCallback<FastifyRateLimitOptions> = (app, options, done) => {
  if (app.hasDecorator(DECORATION)) {
    done(new Error('rateLimit is registered twice, so every request would pay twice; remove one of the two'))
    return
  }
  const { trustProxy = 0, clientKey, onLimited, ...limits } = options
  if (!Number.isInteger(trustProxy) || trustProxy < 0 || trustProxy > 32) {
    done(new RangeError(`trustProxy is ${trustProxy}: it must be the number of proxies in front, from 0 to 32`))
    return
  }
  const control = controlOf(limits)
  app.decorate(DECORATION, control)
  app.addHook('onRequest', async (request, reply) => {
    const { rateLimit } = request.routeOptions.config
    if (rateLimit === false) return
    const client = clientKey?.(request) ?? defaultKey(request, trustProxy)
    const { allowed, headers, problem } = control.admit(client, rateLimit?.cost)
    reply.headers(headers)
    if (allowed) return
    tell(app, onLimited, { client, method: request.method, url: request.url })
    await reply.code(429).type(PROBLEM_JSON).send(problem)
  })
  done()
}

/**
 * Limits every route, those that do not exist too: for all clients together (`tokensPerSecond`, `burstSize`), for each
 * (`perClient`), or both, from both of which a request takes or from neither. Every answer carries `RateLimit` and
 * `RateLimit-Policy`; a 429 is problem+json and says `Retry-After`. Register it once, before the routes.
 *
 * @throws InvalidOptionError when it is registered, for an option that makes no sense
 * @example
 * await app.register(rateLimit, { tokensPerSecond: 1_000, burstSize: 2_000, perClient: { tokensPerSecond: 10, burstSize: 20 } })
 */
export const rateLimit: FastifyPluginCallback<FastifyRateLimitOptions> = plugin(register, {
  fastify: '5.x',
  name: '@holdfast/http',
})

/** Fastify hands plugins its own options too; ours are these. */
function controlOf({ tokensPerSecond, burstSize, perClient, maxClients, clock }: AdmissionOptions): AdmissionControl {
  return new AdmissionControl({ tokensPerSecond, burstSize, perClient, maxClients, clock })
}

function defaultKey(request: FastifyRequest, trustedHops: number): string {
  const apiKey = request.headers['x-api-key']
  const forwarded = request.headers['x-forwarded-for']
  const forwardedFor = Array.isArray(forwarded) ? forwarded.join(',') : forwarded
  const address = clientAddress({ socketAddress: request.socket.remoteAddress, forwardedFor, trustedHops })
  return clientKeyOf(Array.isArray(apiKey) ? apiKey[0] : apiKey, address)
}

function tell(app: FastifyInstance, onLimited: FastifyRateLimitOptions['onLimited'], limited: LimitedRequest): void {
  try {
    onLimited?.(limited)
  } catch (error) {
    app.log.error({ err: error }, 'onLimited threw; the request was not affected')
  }
}
