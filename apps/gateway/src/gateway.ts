/** The gateway: every route rate limited, every upstream guarded, every failure an honest answer. */
import { type LoadSheddingOptions, PROBLEM_JSON, problem } from '@holdfast/http'
import { deadlines, type FastifyRateLimitOptions, loadShedding, rateLimit } from '@holdfast/http/fastify'
import { answerClientError, limitSlowClients } from '@holdfast/http/node'
import type { BrokerEvent } from '@holdfast/trading'
import { type FastifyBaseLogger, type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { type Clock, isRejection, type ResilienceEvent, systemClock } from 'holdfast'
import { gatewayProblem } from './answers.ts'
import { type ControlOptions, ControlPlane } from './control/control-plane.ts'
import { controlRoutes } from './control/control-routes.ts'
import { OrderStop } from './control/kill-switch.ts'
import { endingOfProblem } from './flow/route-traffic.ts'
import { QuoteFeed } from './live/quote-feed.ts'
import { referenceRoutes, watchRoutes } from './reference/reference-routes.ts'
import { dataRoutes } from './routes/data-routes.ts'
import { doubtRoutes } from './routes/doubt-routes.ts'
import { type FleetPart, HEALTH_PATH, operationsRoutes } from './routes/operations-routes.ts'
import { tradingRoutes } from './routes/trading-routes.ts'
import type { GuardedUpstreams } from './upstreams.ts'

/** How a gateway is made. */
export interface GatewayOptions {
  readonly upstreams: GuardedUpstreams
  /** Limits of the requests that come in. */
  readonly limits: FastifyRateLimitOptions
  /** When requests are turned away because there are too many. Default: {@link PLENTY_TO_DO}. */
  readonly shedding?: LoadSheddingOptions | undefined
  /** Default `silent`. */
  readonly logLevel?: string | undefined
  /** This gateway's part in a fleet, as it is now. Default: it is alone. */
  readonly fleet?: FleetPart | undefined
  /** Source of time. Default: the system's. */
  readonly clock?: Clock | undefined
  /** The control API, for people who watch and act. Default: none. */
  readonly control?: ControlOptions | undefined
  /** Folder of the console's page as it was built, to be served at `/console`. Needs `control`. Default: none. */
  readonly consoleFolder?: string | undefined
}

/** How long a stopping gateway waits for requests that run, in milliseconds. */
const STOP_LIMIT_MS = 10_000

/** How long a client may take to send a request, its body included, in milliseconds. */
const REQUEST_TIMEOUT_MS = 30_000

/** From when on requests are turned away unless told otherwise: a stalled process, or as many as nobody waits for. */
const PLENTY_TO_DO: LoadSheddingOptions = { maxInFlight: 1_000, maxEventLoopDelayMs: 100 }

/** A gateway. */
export interface Gateway {
  readonly app: FastifyInstance
  /** What watches the services and lets people act on them, if there is a control API. */
  readonly control: ControlPlane | undefined
  /** Takes no more requests, finishes those that run (for ten seconds at most), and closes. */
  stop(): Promise<void>
}

/**
 * Makes a gateway. It listens once `app.listen` is called.
 *
 * @throws InvalidOptionError when a limit makes no sense
 * @example
 * const gateway = await createGateway({ upstreams: guardUpstreams(endpoints), limits: { tokensPerSecond: 1_000 } })
 * await gateway.app.listen({ host: '127.0.0.1', port: 8080 })
 */
export async function createGateway({
  upstreams,
  limits,
  shedding = PLENTY_TO_DO,
  logLevel = 'silent',
  fleet,
  clock = systemClock,
  control: controlOptions,
  consoleFolder,
}: GatewayOptions): Promise<Gateway> {
  let stopping = false
  const answerFailure = (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const told = gatewayProblem(error, clock)
    logFailure(request.log, error, told)
    if (control !== undefined) reply.ending = endingOfProblem(told.type, told.status)
    if (told.retryAfter !== undefined) reply.header('retry-after', String(told.retryAfter))
    return reply.code(told.status).type(PROBLEM_JSON).send(told)
  }
  const app = fastify({
    logger: { level: logLevel },
    bodyLimit: 64 * 1_024,
    http: limitSlowClients({ requestTimeoutMs: REQUEST_TIMEOUT_MS }),
    requestTimeout: REQUEST_TIMEOUT_MS,
    clientErrorHandler: answerClientError,
    // Longer than any symbol or id, so that the answer is "makes no sense" and not "no such route".
    routerOptions: { maxParamLength: 16_384 },
    // A URL that cannot be decoded is answered like any other mistake.
    frameworkErrors: answerFailure,
    // Requests that come over open connections while it stops get an answer of ours.
    return503OnClosing: false,
  })
  app.setErrorHandler(answerFailure)
  app.setNotFoundHandler(answerUnknownRoute)
  app.addHook('onRequest', async (request, reply) =>
    stopping && request.routeOptions.url !== HEALTH_PATH ? answerStopping(reply) : undefined,
  )
  const { resilience, brokers } = upstreams
  const orderStop = new OrderStop([...brokers.values()], (error) =>
    app.log.error({ err: error }, 'the kill switch could not be written into the journal'),
  )
  const control =
    controlOptions &&
    new ControlPlane(controlOptions, {
      resilience,
      killSwitch: orderStop,
      clock,
      reportError: (error) => app.log.error({ err: error }, 'the history, or the end of an act, could not be written'),
    })
  control?.traffic.watch(app)
  app.addHook('onClose', async () => control?.close())
  await app.register(loadShedding, { clock, ...shedding })
  await app.register(deadlines, { clock })
  await app.register(rateLimit, { clock, ...limits })
  const routes = watchRoutes(app)
  tradingRoutes(app, brokers)
  doubtRoutes(app, brokers, control?.access)
  const feed = new QuoteFeed(upstreams.marketData, clock, (error) => gatewayProblem(error, clock))
  dataRoutes(app, upstreams.marketData, feed)
  operationsRoutes(app, resilience, fleet, control?.access)
  if (control !== undefined) {
    await controlRoutes(app, control, { secureCookies: controlOptions?.secureCookies ?? true, consoleFolder })
  }
  await referenceRoutes(app, routes)
  const subscriptions = [
    resilience.events.subscribe((event) => logCircuit(app.log, event)),
    ...[...brokers.values()].map((broker) => broker.events.subscribe((event) => logOrder(app.log, event))),
  ]
  app.addHook('onClose', async () => {
    await Promise.all([...brokers.values()].map((broker) => broker.close()))
    for (const unsubscribe of subscriptions) unsubscribe()
  })
  return {
    app,
    control,
    stop: async () => {
      stopping = true
      control?.endStreams()
      feed.close()
      const limit = clock.setTimer(() => app.server.closeAllConnections(), STOP_LIMIT_MS)
      try {
        await app.close()
      } finally {
        limit.cancel()
      }
    },
  }
}

function answerUnknownRoute({ method, url }: FastifyRequest, reply: FastifyReply): FastifyReply {
  const detail = `There is no ${method} ${url.split('?')[0]?.slice(0, 100)}. See the gateway's README for the routes.`
  return reply
    .code(404)
    .type(PROBLEM_JSON)
    .send(problem('no-such-route', 404, 'No such route', detail))
}

function answerStopping(reply: FastifyReply): FastifyReply {
  const told = problem('stopping', 503, 'The gateway is stopping', 'Ask another one.', { retryAfterMs: 1_000 })
  return reply.code(503).headers({ connection: 'close', 'retry-after': '1' }).type(PROBLEM_JSON).send(told)
}

/** A bug with its stack, a failure of a service in a line. A refusal is no news: that the circuit opened was told then. */
function logFailure(log: FastifyBaseLogger, error: unknown, told: ReturnType<typeof gatewayProblem>): void {
  if (told.status < 500 || isRejection(error)) return
  const { status, title, code, detail } = told
  if (status === 500) log.error({ err: error }, title)
  else log.warn({ status, code, detail }, title)
}

function logCircuit(log: FastifyBaseLogger, event: ResilienceEvent): void {
  if (event.type !== 'circuit') return
  const { name, from, to, reason } = event
  log.warn({ circuit: name, from, to, reason }, `circuit ${name} is ${to}`)
}

/** What a person must know of orders without being asked. */
function logOrder(log: FastifyBaseLogger, event: BrokerEvent): void {
  const { type, account } = event
  if (type === 'lost') log.error({ account, err: event.reason }, 'no new order is sent any more')
  if (type === 'in-doubt' || type === 'not-found') {
    const { clientOrderId, reason } = event.entry
    const what =
      type === 'in-doubt' ? 'an order is in doubt and is being looked up' : 'the broker does not find an order in doubt'
    log.warn({ account, clientOrderId, reason }, what)
  }
}
