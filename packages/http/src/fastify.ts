/** Rate limits on every route of a Fastify application. */
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import plugin from 'fastify-plugin'
import { InvalidOptionError } from 'holdfast'
import { AdmissionControl, type AdmissionOptions } from './admit.ts'
import { clientAddress } from './client-address.ts'
import { clientKeyOf } from './client-key.ts'
import { PROBLEM_JSON } from './problem.ts'

/** What is told of a request that was turned away. */
export interface LimitedRequest {
  /** Whose limit it was: `user:…`, `key:…` or `address:…`. */
  readonly client: string
  readonly method: string
  readonly url: string
}

/** Options of the plugin. */
export interface FastifyRateLimitOptions extends AdmissionOptions {
  /** How many proxies of ours stand in front; only what they wrote into `X-Forwarded-For` is believed. Default 0. */
  readonly trustProxy?: number | undefined
  /**
   * The application's own name for the client: its user, its tenant. Where it returns undefined, and by default, the
   * header `x-api-key` tells, else the address (IPv6 by its /64). What it throws is the request's error.
   */
  readonly clientKey?: ((request: FastifyRequest) => string | undefined) | undefined
  /** Told of every request that is turned away. What it throws goes to the application's log. */
  readonly onLimited?: ((limited: LimitedRequest) => void | Promise<void>) | undefined
}

/** What a route can say of itself in its `config`. */
export interface RouteRateLimit {
  /** Tokens that a request of this route takes. */
  readonly cost: number
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Cost of a request of this route in tokens (default 1); false exempts the route. */
    rateLimit?: RouteRateLimit | false
  }
}

const DECORATION = 'holdfastRateLimit'

/** The most proxies that can stand in a row. */
const MOST_PROXIES = 32

const register: FastifyPluginAsync<FastifyRateLimitOptions> = async (app, options) => {
  if (app.hasDecorator(DECORATION)) {
    throw new Error('rateLimit is registered twice, so every request would pay twice; remove one of the two')
  }
  const { trustProxy = 0, clientKey, onLimited, ...limits } = options
  checkProxies(trustProxy)
  const control = new AdmissionControl(withoutFastifysOwn(limits))
  app.decorate(DECORATION, control)
  app.addHook('onRoute', ({ method, url, config }) => {
    if (config?.rateLimit) control.checkCost(`${method} ${url} config.rateLimit.cost`, config.rateLimit.cost)
  })
  app.addHook('onRequest', async (request, reply): Promise<FastifyReply | undefined> => {
    const { rateLimit } = request.routeOptions.config
    if (rateLimit === false) return undefined
    const client = clientOf(request, clientKey?.(request), trustProxy)
    const { allowed, headers, problem } = control.admit(client, rateLimit?.cost)
    reply.headers(headers)
    if (allowed) return undefined
    tell(app, onLimited, { client, method: request.method, url: request.url })
    return reply.code(429).type(PROBLEM_JSON).send(problem)
  })
}

/**
 * Limits every route, those that do not exist too: for all clients together (`tokensPerSecond`, `burstSize`), for each
 * (`perClient`), or both, from both of which a request takes or from neither. Every answer carries `RateLimit` and
 * `RateLimit-Policy`; a 429 is problem+json and says `Retry-After`. Register it once, before the routes.
 *
 * @throws InvalidOptionError when it is registered, for an option that makes no sense; when a route is added, for its cost
 * @example
 * await app.register(rateLimit, { tokensPerSecond: 1_000, perClient: { tokensPerSecond: 10, burstSize: 20 } })
 * app.get('/report', { config: { rateLimit: { cost: 5 } } }, report)
 */
export const rateLimit: FastifyPluginAsync<FastifyRateLimitOptions> = plugin(register, {
  fastify: '5.x',
  name: '@holdfast/http',
})

function checkProxies(trustProxy: number): void {
  if (Number.isInteger(trustProxy) && trustProxy >= 0 && trustProxy <= MOST_PROXIES) return
  const rule = `it must be the number of proxies that stand in front, from 0 to ${MOST_PROXIES}`
  throw new InvalidOptionError('rateLimit.trustProxy', trustProxy, rule)
}

const FASTIFYS_OWN: ReadonlySet<string> = new Set(['prefix', 'logLevel', 'logSerializers'])

/** `register` takes options of Fastify's along with a plugin's; what is left is checked, misspelt names too. */
function withoutFastifysOwn(options: AdmissionOptions): AdmissionOptions {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !FASTIFYS_OWN.has(name)))
}

function clientOf(request: FastifyRequest, user: string | undefined, trustedHops: number): string {
  const apiKey = request.headers['x-api-key']
  const forwarded = request.headers['x-forwarded-for']
  const forwardedFor = Array.isArray(forwarded) ? forwarded.join(',') : forwarded
  const address = clientAddress({ socketAddress: request.socket.remoteAddress, forwardedFor, trustedHops })
  return clientKeyOf({ user, apiKey: Array.isArray(apiKey) ? apiKey[0] : apiKey, address })
}

function tell(app: FastifyInstance, onLimited: FastifyRateLimitOptions['onLimited'], limited: LimitedRequest): void {
  const report = (error: unknown): void => {
    app.log.error({ err: error }, 'onLimited threw; the request was not affected')
  }
  try {
    onLimited?.(limited)?.catch(report)
  } catch (error) {
    report(error)
  }
}
