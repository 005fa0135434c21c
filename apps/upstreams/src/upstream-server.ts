/**
 * One upstream on its port. Every request goes the same way: arrival, faults of the connection, ban, authorization, limit,
 * faults that keep it from taking effect, work, effect, faults that spoil the answer.
 */
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import type { Clock, Random } from 'holdfast'
import type { ControlledUpstream } from './control/controlled-upstream.ts'
import { delay, latencyMs } from './faults/delay.ts'
import { FaultBook } from './faults/fault-book.ts'
import { type FaultAction, type FaultRule, type FaultSubject, HTTP_FAULTS, parseRules } from './faults/fault-rule.ts'
import { cutOff, drifted, drip, hang, malformed, sendPart } from './faults/wire-faults.ts'
import type { Ledger } from './ledger.ts'
import { factsOf, noteArrival } from './request-facts.ts'
import { RequestCounter, type RequestLimit } from './request-limit.ts'
import { UpstreamStatistics } from './upstream-statistics.ts'
import { type SocketRoutes, WebSocketDoor } from './web-sockets/web-socket-door.ts'
import { redactHeaders, redactPath, type WireLog } from './wire-log.ts'
import { Workers } from './workers.ts'

/** An answer that is not the one asked for. */
export interface Refusal {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** What distinguishes one upstream from another. */
export interface UpstreamProfile {
  readonly name: string
  readonly limits: Readonly<Record<string, RequestLimit>>
  /** Where it writes what happens to orders. */
  readonly ledger?: Ledger
  /** The key that a request carries, or the answer when it is missing or wrong. */
  readonly authorize: (request: FastifyRequest) => string | Refusal
  /** Which limits a request counts against; the first that is exceeded is told. */
  readonly limitsOf: (request: FastifyRequest) => readonly string[]
  readonly tooMany: () => Refusal
  /** Headers on every answer. */
  readonly headers: () => Readonly<Record<string, string>>
  /** Headers on every answer to a request that was counted; times in milliseconds since 1970. */
  readonly limitHeaders: (limit: number, remaining: number, resetAt: number) => Readonly<Record<string, string>>
  readonly notFound: (request: FastifyRequest) => Refusal
  readonly unreadable: (message: string) => Refusal
  /** What a fault of this upstream alone does to a request; the answer, if it is one. */
  readonly ownFault?: (action: FaultAction, request: FastifyRequest) => Refusal | undefined
  /** Adds the routes. */
  readonly routes: (app: FastifyInstance) => void
  /** What is served over web sockets, by path. */
  readonly sockets?: SocketRoutes
}

/** What all upstreams of a process share. */
export interface Surroundings {
  readonly clock: Clock
  readonly random: Random
  readonly log: WireLog
  readonly workers: { readonly count: number; readonly minMs: number; readonly maxMs: number }
}

/** Answers with something else than was asked for. */
export function refuse(reply: FastifyReply, { status, body, headers = {} }: Refusal): FastifyReply {
  return withStatus(reply, status).headers(headers).send(body)
}

/** Fastify knows no status beyond 599; Yahoo's edge has 999. */
function withStatus(reply: FastifyReply, status: number): FastifyReply {
  reply.code(Math.min(status, 599))
  reply.raw.statusCode = status
  return reply
}

/** A running upstream. */
export class UpstreamServer implements ControlledUpstream {
  readonly name: string
  readonly faults: FaultBook<FaultRule, FaultSubject>
  readonly counters: ReadonlyMap<string, RequestCounter>
  readonly statistics: UpstreamStatistics = new UpstreamStatistics()
  readonly ledger: Ledger | undefined
  readonly #profile: UpstreamProfile
  readonly #around: Surroundings
  readonly #app: FastifyInstance
  readonly #door: WebSocketDoor
  readonly #workers: Workers
  #violations: number[] = []
  #ban: Extract<FaultAction, { type: 'ban' }> | undefined

  constructor(profile: UpstreamProfile, around: Surroundings) {
    this.name = profile.name
    this.ledger = profile.ledger
    this.#profile = profile
    this.#around = around
    this.faults = new FaultBook(HTTP_FAULTS, around.clock, around.random)
    const limits = Object.entries(profile.limits)
    this.counters = new Map(limits.map(([name, limit]) => [name, new RequestCounter(limit, around.clock)]))
    this.#workers = new Workers(around.workers, around.clock, around.random)
    this.#app = fastify({ forceCloseConnections: true, routerOptions: { maxParamLength: 200 } })
    this.#app.addHook('onRequest', async (request, reply) => this.#arrive(request, reply))
    this.#app.addHook('preHandler', async (request, reply) => this.#beforeEffect(request, reply))
    this.#app.addHook('onSend', async (request, reply, payload) => this.#afterEffect(request, reply, payload))
    this.#app.setNotFoundHandler((request, reply) => refuse(reply, profile.notFound(request)))
    this.#app.setErrorHandler((error, _request, reply) => {
      const message = error instanceof Error ? error.message : String(error)
      return refuse(reply, profile.unreadable(message))
    })
    profile.routes(this.#app)
    this.#door = new WebSocketDoor(this, profile.sockets ?? {}, around)
    this.#app.server.on('upgrade', (request, socket, head) => void this.#door.open(request, socket, head))
  }

  /** @returns the port that it listens on */
  async listen(host: string, port: number): Promise<number> {
    await this.#app.listen({ host, port })
    const address = this.#app.server.address()
    return typeof address === 'object' && address !== null ? address.port : port
  }

  /** Closes every connection, those that hang too. */
  async close(): Promise<void> {
    this.#door.close()
    await this.#app.close()
  }

  prepareFaults(rules: unknown): () => void {
    const parsed = parseRules(rules, this.name)
    return () => void this.faults.add(parsed)
  }

  /** Takes the faults away, and a ban that came of them. */
  clearFaults(): void {
    this.faults.clear()
    this.statistics.bannedUntil = null
    this.#violations = []
  }

  /** Begins anew: no faults, nothing counted, the limits as they were. */
  reset(): void {
    this.clearFaults()
    this.statistics.reset()
    for (const [name, limit] of Object.entries(this.#profile.limits)) this.counters.get(name)?.reset(limit)
  }

  #arrive(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { method, headers, url } = request
    const fault = this.faults.faultFor(subjectOf(request))
    // By its own clock, like every other time that it tells.
    reply.headers({ date: new Date(this.#around.clock.wallTime()).toUTCString(), ...this.#profile.headers() })
    const facts = noteArrival(request, fault)
    this.statistics.begin()
    reply.raw.once('close', () => {
      const answered = reply.raw.writableFinished
      const status = answered ? reply.raw.statusCode : null
      for (const row of facts.ledgerRows) row.acked = answered
      this.statistics.end(status ?? undefined, facts.executed)
      this.#around.log.append({
        t: this.#around.clock.wallTime(),
        upstream: this.name,
        method,
        path: redactPath(url),
        headers: redactHeaders(headers),
        status,
        executed: facts.executed,
        faultId: fault?.id ?? null,
        outcome: answered ? 'answered' : 'cut off',
      })
    })
    const early =
      fault?.action.type === 'reset' && (fault.action.where === 'accept' || fault.action.where === 'headers')
    return early ? cutOff(request, 'reset') : Promise.resolve()
  }

  async #beforeEffect(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
    const facts = factsOf(request)
    const action = facts.fault?.action
    if (action !== undefined) await this.#breakBefore(action, request)
    const own = action === undefined ? undefined : this.#profile.ownFault?.(action, request)
    const refusal = this.#turnAway(request, reply) ?? own ?? this.#pretendedRefusal(action)
    if (refusal !== undefined) return refuse(reply, refusal)
    if (action?.type === 'flap') return refuse(reply, { status: 503, body: { message: 'service unavailable' } })
    const slow = action?.type === 'latency' && action.where === 'before'
    const release = await this.#workers.work(slow ? latencyMs(action, this.#around.random) : 0)
    facts.executed = true
    // A worker is busy until its answer is out; a client that has gone meanwhile does not stop the work.
    if (reply.raw.destroyed) release()
    else reply.raw.once('close', release)
    return undefined
  }

  async #breakBefore(action: FaultAction, request: FastifyRequest): Promise<void> {
    const where = 'where' in action ? action.where : undefined
    if (action.type === 'flap' && action.downAction !== 'status503') {
      await (action.downAction === 'hang' ? hang() : cutOff(request, 'reset'))
    }
    if (where !== 'before') return
    if (action.type === 'hang') await hang()
    if (action.type === 'reset') await cutOff(request, 'reset')
    if (action.type === 'fin') await cutOff(request, 'fin')
  }

  /** Ban, authorization and limit. */
  #turnAway(request: FastifyRequest, reply: FastifyReply): Refusal | undefined {
    const now = this.#around.clock.wallTime()
    const { bannedUntil } = this.statistics
    if (bannedUntil !== null && now < bannedUntil) {
      if (this.#ban?.extends === true) this.statistics.bannedUntil = now + this.#ban.forMs
      return this.#banned(now)
    }
    this.statistics.bannedUntil = null
    const key = this.#profile.authorize(request)
    if (typeof key !== 'string') return key
    this.statistics.countKey(key)
    for (const name of this.#profile.limitsOf(request)) {
      const counted = this.counters.get(name)?.count(key)
      if (counted === undefined) continue
      reply.headers(this.#profile.limitHeaders(counted.limit, counted.remaining, counted.resetAt))
      if (counted.allowed) continue
      this.#countViolation(request, now)
      const told = this.#profile.tooMany()
      if (this.counters.get(name)?.limit.retryAfter !== true) return told
      return {
        ...told,
        headers: { ...told.headers, 'retry-after': String(Math.ceil((counted.resetAt - now) / 1_000)) },
      }
    }
    return undefined
  }

  #banned(now: number): Refusal {
    const { status = 418 } = this.#ban ?? {}
    const seconds = Math.ceil(((this.statistics.bannedUntil ?? now) - now) / 1_000)
    const told = this.#profile.tooMany()
    const html = { 'content-type': 'text/html' }
    if (status === 999) return { status, body: '<html><body>Request denied</body></html>', headers: html }
    return { ...told, status, headers: { ...told.headers, 'retry-after': String(seconds) } }
  }

  #countViolation(request: FastifyRequest, now: number): void {
    this.statistics.rateViolations++
    const ban = this.faults.standing('ban', subjectOf(request))
    if (ban === undefined) return
    this.#violations = [...this.#violations.filter((time) => time > now - ban.withinMs), now]
    if (this.#violations.length < ban.afterViolations) return
    this.statistics.bannedUntil = now + ban.forMs
    this.#ban = ban
  }

  /** A status that the rules ask for, in place of any effect. */
  #pretendedRefusal(action: FaultAction | undefined): Refusal | undefined {
    if (action?.type === 'status' && !action.executed) return statusOf(action)
    if (action?.type !== 'rate429') return undefined
    const { retryAfterSec, resetInSec = retryAfterSec, header } = action
    const resetAt = this.#around.clock.wallTime() + resetInSec * 1_000
    const headers: Record<typeof header, Record<string, string>> = {
      'retry-after': { 'retry-after': String(retryAfterSec) },
      'http-date': { 'retry-after': new Date(this.#around.clock.wallTime() + retryAfterSec * 1_000).toUTCString() },
      'x-ratelimit': { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(Math.ceil(resetAt / 1_000)) },
      garbage: { 'retry-after': 'in a little while' },
      none: {},
    }
    const told = this.#profile.tooMany()
    return { ...told, headers: { ...told.headers, ...headers[header] } }
  }

  async #afterEffect(request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<unknown> {
    const facts = factsOf(request)
    const action = facts.fault?.action
    if (action === undefined || !facts.executed) return payload
    const text = typeof payload === 'string' ? payload : ''
    switch (action.type) {
      case 'resetAfter':
        return cutOff(request, 'reset')
      case 'reset':
        return action.where === 'after' ? cutOff(request, 'reset') : payload
      case 'fin':
        return action.where === 'after' ? cutOff(request, 'fin') : payload
      case 'hang':
        return action.where === 'after' ? hang() : payload
      case 'latency':
        if (action.where === 'after') await delay(this.#around.clock, latencyMs(action, this.#around.random))
        return payload
      case 'status': {
        const { status, body, headers = {} } = statusOf(action)
        const type = typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8'
        withStatus(reply, status).header('content-type', type).headers(headers)
        return typeof body === 'string' ? body : JSON.stringify(body)
      }
      case 'partial':
        return sendPart(reply, text, action.bytes)
      case 'slowDrip':
        return drip(reply, text, action, this.#around.clock)
      case 'drift':
        return text === '' ? payload : drifted(text, action)
      case 'malformed':
        if (action.mode === 'html' || action.mode === 'wrongContentType') reply.header('content-type', 'text/html')
        if (action.code !== undefined) withStatus(reply, action.code)
        reply.removeHeader('content-length')
        return malformed(text, action.mode)
      default:
        return payload
    }
  }
}

function subjectOf({ method, headers, url }: FastifyRequest): FaultSubject {
  const [path = url] = url.split('?', 1)
  return { method, headers, path }
}

function statusOf({ code, body, headers }: Extract<FaultAction, { type: 'status' }>): Refusal {
  return { status: code, body: body ?? { message: `fault: status ${code}` }, headers }
}
