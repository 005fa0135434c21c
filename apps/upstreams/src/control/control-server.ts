import { type FastifyInstance, fastify } from 'fastify'
import { z } from 'zod'
import { checked, InvalidRuleError } from '../checked-input.ts'
import { type Controls, UnknownUpstreamError } from './controls.ts'

interface OfUpstream {
  Params: { upstream: string }
}

const logQuery = z.object({ since: z.coerce.number().int().min(0).default(0), upstream: z.string().optional() })

/** The control API over HTTP, JSON in and out, errors as problem+json. */
export function controlServer(controls: Controls): FastifyInstance {
  const app = fastify({ forceCloseConnections: true })
  // So that `curl -d` works without a content type.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? undefined : JSON.parse(String(body)))
    } catch {
      done(new InvalidRuleError('the body is no JSON; send {"action":{"type":"hang"}} or the like'))
    }
  })
  app.setErrorHandler((error, _request, reply) => {
    const status = statusOf(error)
    return reply
      .code(status)
      .type('application/problem+json')
      .send({
        title: status === 500 ? 'the control failed' : 'not understood',
        status,
        detail: error instanceof Error ? error.message : String(error),
        ...(error instanceof InvalidRuleError && error.issues.length > 0 ? { errors: error.issues } : {}),
      })
  })
  app.setNotFoundHandler((request) => {
    throw new UnknownUpstreamError(
      `there is no ${request.method} ${request.url.slice(0, 100)}; GET / lists what there is`,
    )
  })

  app.get('/', () => ({
    upstreams: controls.upstreams,
    see: [
      '/_faults',
      '/_faults/{upstream}',
      '/_limits/{upstream}',
      '/_stats',
      '/_ledger',
      '/_ledger/{broker}',
      '/_ledger/{broker}/duplicates',
      '/_ledger/{broker}/lateExecutions',
      '/_log',
      '/_clock',
      '/_visibility',
      '/_cancellation',
      '/_reset',
    ],
  }))
  faultRoutes(app, controls)
  recordRoutes(app, controls)

  app.get<OfUpstream>('/_limits/:upstream', ({ params }) => controls.limits(params.upstream))
  app.put<OfUpstream>('/_limits/:upstream', ({ params, body }) => {
    controls.setLimits(params.upstream, body)
    return controls.limits(params.upstream)
  })
  app.put('/_visibility', ({ body }) => {
    controls.setVisibilityLag(body)
    return { visibilityLagMs: body }
  })
  app.put('/_cancellation', ({ body }) => {
    controls.setCancellationLag(body)
    return { cancellationLagMs: body }
  })
  app.get('/_clock', () => controls.moveClock({}))
  app.post('/_clock', ({ body }) => controls.moveClock(body))
  app.post('/_reset', ({ body }, reply) => {
    controls.resetFrom(body ?? {})
    return reply.code(204).send()
  })
  return app
}

function faultRoutes(app: FastifyInstance, controls: Controls): void {
  const all = (): object => Object.fromEntries(controls.upstreams.map((name) => [name, controls.faults(name)]))

  app.get('/_faults', all)
  app.put('/_faults', ({ body }) => {
    controls.setAllFaults(body)
    return all()
  })
  app.delete('/_faults', (_request, reply) => {
    controls.clearFaults()
    return reply.code(204).send()
  })
  app.get<OfUpstream>('/_faults/:upstream', ({ params }) => controls.faults(params.upstream))
  app.put<OfUpstream>('/_faults/:upstream', ({ params, body }) => {
    controls.setFaults(params.upstream, body)
    return controls.faults(params.upstream)
  })
  app.post<OfUpstream>('/_faults/:upstream', ({ params, body }) => {
    controls.addFaults(params.upstream, body)
    return controls.faults(params.upstream)
  })
  app.delete<OfUpstream>('/_faults/:upstream', ({ params }, reply) => {
    controls.clearFaults(params.upstream)
    return reply.code(204).send()
  })
}

function recordRoutes(app: FastifyInstance, controls: Controls): void {
  app.get('/_stats', () => Object.fromEntries(controls.upstreams.map((name) => [name, controls.stats(name)])))
  app.get<OfUpstream>('/_stats/:upstream', ({ params }) => controls.stats(params.upstream))
  app.get('/_ledger', () => Object.fromEntries(controls.brokers.map((name) => [name, controls.ledger(name)])))
  app.get<OfUpstream>('/_ledger/:upstream', ({ params }) => controls.ledger(params.upstream))
  app.get<OfUpstream>('/_ledger/:upstream/duplicates', ({ params }) => controls.duplicates(params.upstream))
  app.get<OfUpstream & { Querystring: { intent?: string } }>('/_ledger/:upstream/lateExecutions', ({ params, query }) =>
    controls.lateExecutions(query.intent, params.upstream),
  )
  app.get('/_log', ({ query }) => {
    const { since, upstream } = checked(logQuery, query, 'query')
    return controls.log(since, upstream)
  })
}

function statusOf(error: unknown): number {
  if (error instanceof InvalidRuleError) return 400
  if (error instanceof UnknownUpstreamError) return 404
  const code = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined
  return typeof code === 'number' && code >= 400 && code < 500 ? code : 500
}
