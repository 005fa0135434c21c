/** Load shedding in a Fastify application. */
import type { FastifyPluginAsync } from 'fastify'
import plugin from 'fastify-plugin'
import { PROBLEM_JSON } from '../problem.ts'
import { LoadShedder, type LoadSheddingOptions, type Priority } from '../shedding/load-shedder.ts'
import { countInFlight } from '../shedding/node-slot.ts'
import { withoutFastifysOwn } from './plugin-options.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** How much requests of this route matter. Default `normal`. */
    priority?: Priority
  }
  interface FastifyInstance {
    /** What turns requests away, where {@link loadShedding} is registered. */
    loadShedder: LoadShedder
  }
}

const register: FastifyPluginAsync<LoadSheddingOptions> = async (app, options) => {
  if (app.hasDecorator('loadShedder')) {
    throw new Error('loadShedding is registered twice, so every request would count twice; remove one of the two')
  }
  const shedder = new LoadShedder(withoutFastifysOwn(options))
  app.decorate('loadShedder', shedder)
  app.addHook('onRequest', (request, reply, next) => {
    const shed = shedder.refusal(request.routeOptions.config.priority ?? 'normal')
    if (shed === undefined) {
      countInFlight(shedder, request.raw, reply.raw)
      return next()
    }
    reply.code(503).headers(shed.headers).type(PROBLEM_JSON).send(shed.body)
  })
}

/**
 * Turns requests away with 503 and `Retry-After` as soon as there is more than the process can carry: `background` first,
 * `critical` last. A route says what it is in `config.priority`. Register it before `rateLimit`, so that what is turned away
 * costs no token.
 *
 * @throws InvalidOptionError when it is registered, for an option that makes no sense; Error when it is registered twice
 * @example
 * await app.register(loadShedding, { maxEventLoopDelayMs: 50, maxInFlight: 500 })
 * app.delete('/orders/:id', { config: { priority: 'critical' } }, cancel)
 */
export const loadShedding: FastifyPluginAsync<LoadSheddingOptions> = plugin(register, {
  fastify: '5.x',
  name: '@holdfast/http/load-shedding',
})
