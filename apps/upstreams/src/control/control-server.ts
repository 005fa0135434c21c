import { type FastifyInstance, fastify } from 'fastify'
import { InvalidRuleError } from '../faults/fault-rule.ts'
import { type Controls, UnknownUpstreamError } from './controls.ts'

interface OfUpstream {
  Params: { upstream: string }
}

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
    const status = error instanceof InvalidRuleError ? 400 : error instanceof UnknownUpstreamError ? 404 : 500
    const detail = error instanceof Error ? error.message : String(error)
    return reply
      .code(status)
      .type('application/problem+json')
      .send({ title: status === 500 ? 'control failed' : 'not understood', status, detail })
  })

  app.get('/', () => ({
    upstreams: controls.upstreams,
    see: ['/_faults', '/_ledger', '/_stats', '/_limits/{upstream}', '/_log', '/_clock', '/_reset'],
  }))

  app.get('/_faults', () => Object.fromEntries(controls.upstreams.map((name) => [name, controls.faults(name)])))
  app.put('/_faults', ({ body }) => {
    if (typeof body !== 'object' || body === null || Array.isArray(body)) {
      throw new InvalidRuleError(
        'the body must be an object of rules by upstream: {"alpaca":[{"action":{"type":"hang"}}]}',
      )
    }
    for (const [upstream, rules] of Object.entries(body)) controls.setFaults(upstream, rules)
    return Object.fromEntries(controls.upstreams.map((name) => [name, controls.faults(name)]))
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

  app.get<OfUpstream>('/_limits/:upstream', ({ params }) => controls.limits(params.upstream))
  app.put<OfUpstream>('/_limits/:upstream', ({ params, body }) => {
    controls.setLimits(params.upstream, body)
    return controls.limits(params.upstream)
  })

  app.get('/_stats', () => Object.fromEntries(controls.upstreams.map((name) => [name, controls.stats(name)])))
  app.get<OfUpstream>('/_stats/:upstream', ({ params }) => controls.stats(params.upstream))

  app.get('/_ledger', () => controls.ledger())
  app.get('/_ledger/alpaca', () => controls.ledger())
  app.get('/_ledger/alpaca/duplicates', () => controls.duplicates())
  app.get<{ Querystring: { intent?: string } }>('/_ledger/alpaca/lateExecutions', ({ query }) =>
    controls.lateExecutions(query.intent ?? ''),
  )
  app.put('/_visibility', ({ body }) => {
    controls.setVisibilityLag(body)
    return { visibilityLagMs: body }
  })

  app.get<{ Querystring: { since?: string; upstream?: string } }>('/_log', ({ query }) =>
    controls.log(Number(query.since) || 0, query.upstream),
  )

  app.post('/_clock', ({ body }) => controls.moveClock(body))
  app.post<{ Body: { seed?: number } | undefined }>('/_reset', ({ body }, reply) => {
    controls.reset(typeof body?.seed === 'number' ? body.seed : undefined)
    return reply.code(204).send()
  })
  return app
}
