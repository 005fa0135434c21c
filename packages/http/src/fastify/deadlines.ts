/** Deadlines in a Fastify application. */
import type { FastifyPluginAsync } from 'fastify'
import plugin from 'fastify-plugin'
import { Caller } from '../caller/caller.ts'
import { DEADLINE_HEADER, type DeadlineOptions, Deadlines } from '../caller/deadlines.ts'
import { watchConnection } from '../caller/node-caller.ts'
import { joined } from '../node-request.ts'
import { PROBLEM_JSON } from '../problem.ts'
import { withoutFastifysOwn } from './plugin-options.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who waits for the answer, where {@link deadlines} is registered. */
    caller: Caller
  }
}

const register: FastifyPluginAsync<DeadlineOptions> = async (app, options) => {
  if (app.hasRequestDecorator('caller')) throw new Error('deadlines is registered twice; remove one of the two')
  const asked = new Deadlines(withoutFastifysOwn(options))
  app.decorateRequest('caller')
  app.addHook('onRequest', (request, reply, next) => {
    const caller = asked.read(joined(request.headers[DEADLINE_HEADER]))
    if (caller instanceof Caller) {
      request.caller = caller
      watchConnection(caller, request.raw, reply.raw)
      return next()
    }
    reply.code(caller.status).type(PROBLEM_JSON).send(JSON.stringify(caller))
  })
}

/**
 * Tells every route how long its caller waits: `request.caller`, from the header `X-Request-Deadline-Ms` and from the
 * connection. Requests whose time has passed are answered 504 at once.
 *
 * @throws InvalidOptionError when it is registered, for an option that makes no sense; Error when it is registered twice
 * @example
 * await app.register(deadlines)
 * app.get('/quotes/:symbol', ({ params, caller }) => polygon.execute((call) => quote(params, call.signal), caller.forRead()))
 */
export const deadlines: FastifyPluginAsync<DeadlineOptions> = plugin(register, {
  fastify: '5.x',
  name: '@holdfast/http/deadlines',
})
