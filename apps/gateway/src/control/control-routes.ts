/** The control API: how things stand, what happened, and acts. */
import type {
  ActRequest,
  AuditView,
  HistoryView,
  IncidentsView,
  RehearsalView,
  ServiceView,
} from '@holdfast/console/api'
import { PROBLEM_JSON, problem, type RouteLimit } from '@holdfast/http'
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify'
import { z } from 'zod'
import { sessionRoutes } from '../access/session-routes.ts'
import { consoleRoutes } from '../console/console-routes.ts'
import { incidentReport } from '../incidents/incident-report.ts'
import { actRequest } from './act-request.ts'
import type { ControlPlane } from './control-plane.ts'

/** Requests a second, and at once, of one client. They have a limit of their own: a flood of orders locks nobody out. */
const CONTROL_LIMIT: RouteLimit = { perClient: { tokensPerSecond: 50, burstSize: 200 } }

/** The most steps that one answer has for a service, and the longest range, in milliseconds. */
const MOST_STEPS = 3_600
const LONGEST_RANGE_MS = 31 * 86_400_000

const HOUR_MS = 3_600_000

const historyQuery = z.strictObject({
  service: z.string().min(1).max(200).optional(),
  from: z.coerce.number().int().min(0),
  to: z.coerce.number().int().min(0),
  step: z.coerce.number().int().min(1_000).max(86_400_000).optional(),
})
const auditQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(500).default(100),
  before: z.coerce.number().int().min(1).optional(),
})
const incidentsQuery = z.strictObject({ limit: z.coerce.number().int().min(1).max(500).default(100) })
const killSwitchBody = z.strictObject({ engaged: z.boolean(), reason: z.string() })

/** How the routes are served. */
export interface ControlRoutesOptions {
  /** Whether the page's cookie travels over TLS only. */
  readonly secureCookies: boolean
  /** Folder of the console's page; undefined serves none. */
  readonly consoleFolder: string | undefined
}

/** Adds the routes of the control API, and the page. */
export async function controlRoutes(
  app: FastifyInstance,
  control: ControlPlane,
  { secureCookies, consoleFolder }: ControlRoutesOptions,
): Promise<void> {
  await app.register(async (routes) => {
    routes.addHook('onRoute', (route) => {
      route.config = { ...route.config, rateLimit: CONTROL_LIMIT, priority: 'critical' }
    })
    sessionRoutes(routes, control.access, secureCookies)
    readingRoutes(routes, control)
    actingRoutes(routes, control)
    if (consoleFolder !== undefined) consoleRoutes(routes, consoleFolder)
  })
}

function readingRoutes(app: FastifyInstance, control: ControlPlane): void {
  const viewer: RouteShorthandOptions = { preHandler: control.access.requires('viewer') }

  // A stream has no end, so that nobody can ask for its head alone.
  const stream: RouteShorthandOptions = { ...viewer, exposeHeadRoute: false }
  app.get('/v1/resilience/events', stream, (request, reply) => openStream(request, reply, control))

  app.get<{ Params: { service: string } }>(
    '/v1/resilience/services/:service',
    viewer,
    ({ params }, reply): ServiceView | FastifyReply =>
      control.serviceView(params.service) ?? answerMissing(reply, 'There is no such service.'),
  )

  app.get('/v1/resilience/history', viewer, ({ query }): HistoryView => {
    const range = rangeOf(query, control.clock.wallTime())
    return {
      from: range.from,
      to: range.to,
      stepMs: range.stepMs,
      services: control.history.series(range),
      happenings: control.history.happenings({ ...range, limit: 500 }),
      examples: range.service === undefined ? [] : control.history.examples(range, 300),
    }
  })

  app.get('/v1/resilience/audit', viewer, ({ query }): AuditView => control.audit.list(auditQuery.parse(query)))

  app.get(
    '/v1/resilience/incidents',
    viewer,
    ({ query }): IncidentsView => ({
      incidents: control.incidents.list(incidentsQuery.parse(query).limit),
    }),
  )

  app.get<{ Params: { id: string } }>('/v1/resilience/incidents/:id/report', viewer, ({ params }, reply) => {
    const incident = /^\d{1,15}$/.test(params.id) ? control.incidents.get(Number(params.id)) : undefined
    if (incident === undefined) return answerMissing(reply, 'There is no such incident.')
    const { service, openedAt: from, closedAt } = incident
    const to = closedAt ?? control.clock.wallTime()
    const happenings = control.history.happenings({ from: from - 1_000, to: to + 1_000, service, limit: 500 })
    const name = `incident-${incident.id}.md`
    return reply
      .type('text/markdown; charset=utf-8')
      .header('content-disposition', `attachment; filename="${name}"`)
      .send(incidentReport(incident, happenings))
  })

  app.get('/v1/resilience/rehearsal', viewer, (): RehearsalView => {
    const { rehearsal } = control
    if (rehearsal === undefined) return { allowed: false, upstreams: [] }
    return { allowed: true, upstreams: rehearsal.upstreams.map((name) => ({ name, ...rehearsal.of(name) })) }
  })
}

function actingRoutes(app: FastifyInstance, control: ControlPlane): void {
  const operator: RouteShorthandOptions = { preHandler: control.access.requires('operator') }

  const perform = (request: FastifyRequest, act: ActRequest) => {
    const principal = control.access.principalOf(request)
    if (principal === undefined) throw new Error('the hook before has seen somebody')
    return control.controller.perform(act, principal)
  }

  app.post('/v1/resilience/acts', operator, (request) => perform(request, actRequest.parse(request.body)))

  app.post('/v1/kill-switch', operator, (request) => {
    const { engaged, reason } = killSwitchBody.parse(request.body)
    return perform(request, actRequest.parse({ act: engaged ? 'stop-orders' : 'allow-orders', reason }))
  })
}

function openStream(request: FastifyRequest, reply: FastifyReply, control: ControlPlane): FastifyReply {
  const name = control.access.principalOf(request)?.name ?? ''
  if (!control.stream.hasRoomFor(name)) {
    const detail = 'As many pages as may be are open already. Close one, or come back later.'
    const told = problem('too-many-viewers', 503, 'Too many viewers', detail, { retryAfterMs: 5_000 })
    return reply.code(503).header('retry-after', '5').type(PROBLEM_JSON).send(told)
  }
  const lastSeen = request.headers['last-event-id']
  reply.hijack()
  reply.raw.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  })
  control.stream.add(name, reply.raw, typeof lastSeen === 'string' ? lastSeen : undefined, control.board())
  return reply
}

function rangeOf(
  query: unknown,
  now: number,
): { from: number; to: number; stepMs: number; service: string | undefined } {
  const { service, from, to, step } = historyQuery.parse(query)
  const length = to - from
  if (length <= 0 || length > LONGEST_RANGE_MS) {
    throw new z.ZodError([
      { code: 'custom', path: ['to'], message: 'it must be after from, by 31 days at most', input: to },
    ])
  }
  // Seconds are kept for an hour; what goes further back is told by minutes.
  const finest = from >= now - HOUR_MS - 60_000 ? 1_000 : 60_000
  const wanted = Math.max(step ?? finest, finest, length / MOST_STEPS)
  const unit = wanted > 30_000 ? 60_000 : 1_000
  return { service, from, to, stepMs: Math.ceil(wanted / unit) * unit }
}

function answerMissing(reply: FastifyReply, detail: string): FastifyReply {
  return reply
    .code(404)
    .type(PROBLEM_JSON)
    .send(problem('no-such-thing', 404, 'There is none', detail))
}
