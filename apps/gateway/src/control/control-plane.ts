/** All that watches the services and lets people act on them, put together. */
import type {
  BoardFrame,
  Happening,
  OrdersStatus,
  ServiceStatus,
  ServiceView,
  SettingView,
} from '@holdfast/console/api'
import type { CircuitEvent, Clock, Resilience, Service, Timer } from 'holdfast'
import { Access } from '../access/access.ts'
import { SESSION_SCHEMA, Sessions } from '../access/sessions.ts'
import { makeToken, type TokenBook } from '../access/tokens.ts'
import { AUDIT_SCHEMA, AuditLog } from '../audit/audit-log.ts'
import { RouteTraffic } from '../flow/route-traffic.ts'
import { HISTORY_SCHEMA, HistoryStore } from '../history/history-store.ts'
import { queuedIn, Sampler } from '../history/sampler.ts'
import { INCIDENT_SCHEMA, IncidentBook } from '../incidents/incident-book.ts'
import { EventStream } from '../live/event-stream.ts'
import { openDatabase } from '../state/database.ts'
import { configuredIn } from './act-plan.ts'
import { circuitText, errorText, shownState } from './circuit-news.ts'
import { Controller, type Told } from './controller.ts'
import type { KillSwitch } from './kill-switch.ts'
import type { Rehearsal } from './rehearsal.ts'
import { STANDING_SCHEMA, StandingActs } from './standing-acts.ts'

/** An order whose fate is or was unknown. */
export interface DoubtfulOrder {
  readonly id: string
  /** Since when, in milliseconds since 1970. */
  readonly since: number
  /** How it ended; null while nobody knows. */
  readonly ending: string | null
}

/** How the control is made. */
export interface ControlOptions {
  /** Who may look and act. */
  readonly tokens: TokenBook
  /** Where history, audit and sessions are kept. Default: in memory. */
  readonly stateFolder?: string | undefined
  /** How often the board's viewers are told what changed, in milliseconds. Default 250. */
  readonly liveIntervalMs?: number | undefined
  /** Whether the page's cookie travels over TLS only. Default true. */
  readonly secureCookies?: boolean | undefined
  /** Faults in the stand-ins; undefined in front of real services. */
  readonly rehearsal?: Rehearsal | undefined
  /** Orders whose fate is or was unknown, the newest first; undefined where they are not tracked. */
  readonly doubtfulOrders?: (() => readonly DoubtfulOrder[]) | undefined
}

/** Watches, tells, keeps and acts. */
export class ControlPlane {
  readonly access: Access
  readonly audit: AuditLog
  readonly history: HistoryStore
  readonly incidents: IncidentBook
  readonly stream: EventStream
  readonly controller: Controller
  readonly traffic: RouteTraffic
  readonly rehearsal: Rehearsal | undefined
  readonly clock: Clock
  readonly #resilience: Resilience
  readonly #sampler: Sampler
  readonly #doubtfulOrders: ControlOptions['doubtfulOrders']
  readonly #reportError: (error: unknown) => void
  readonly #closings: (() => void)[] = []
  readonly #liveIntervalMs: number
  /** The text of each service's status as it was shown last. */
  readonly #shown = new Map<string, string>()
  #shownOrders = ''
  #secondTimer: Timer | undefined
  #boardTimer: Timer | undefined

  /** @throws StateInUseError when another gateway uses the folder */
  constructor(
    options: ControlOptions,
    around: {
      readonly resilience: Resilience
      readonly killSwitch: KillSwitch
      readonly clock: Clock
      /** Told when the history, or the end of an act, cannot be written. */
      readonly reportError: (error: unknown) => void
    },
  ) {
    const { tokens, stateFolder, rehearsal, liveIntervalMs = 250, doubtfulOrders } = options
    const { resilience, killSwitch, clock } = around
    const schema = SESSION_SCHEMA + AUDIT_SCHEMA + STANDING_SCHEMA
    const control = openDatabase({ folder: stateFolder, name: 'control', durable: true, schema })
    this.#closings.push(() => control.close())
    const past = openDatabase({
      folder: stateFolder,
      name: 'history',
      durable: false,
      schema: HISTORY_SCHEMA + INCIDENT_SCHEMA,
    })
    this.#closings.push(() => past.close())
    this.clock = clock
    this.rehearsal = rehearsal
    this.traffic = new RouteTraffic()
    this.#resilience = resilience
    this.#doubtfulOrders = doubtfulOrders
    this.#reportError = around.reportError
    this.#liveIntervalMs = liveIntervalMs
    this.access = new Access(tokens, new Sessions(control, tokens, clock))
    this.stream = new EventStream(makeToken().slice(0, 8).replaceAll('-', '_'))
    this.audit = new AuditLog(control, (entry) => this.stream.send('audit', entry))
    this.history = new HistoryStore(past)
    this.incidents = new IncidentBook(past, clock.wallTime())
    this.#sampler = new Sampler(resilience)
    this.controller = new Controller({
      around: { resilience, killSwitch, rehearsal, configured: configuredIn(resilience) },
      audit: this.audit,
      standing: new StandingActs(control),
      clock,
      tell: (told) => this.#tell(told),
      reportError: around.reportError,
    })
    this.#closings.push(resilience.events.subscribe((event) => event.type === 'circuit' && this.#circuitChanged(event)))
    this.#tell({ kind: 'gateway', service: null, state: null, text: 'the gateway was started', who: null })
    this.controller.restore()
    this.#scheduleSecond()
    this.#scheduleBoard()
  }

  /** How everything stands: all services. */
  board(): BoardFrame {
    const services = this.#resilience.services.map((service) => this.statusOf(service))
    return { at: this.clock.wallTime(), services, orders: this.#orders() }
  }

  /** One service with its configuration; undefined when there is none of that name. */
  serviceView(name: string): ServiceView | undefined {
    const service = this.#resilience.services.find((known) => known.name === name)
    if (service === undefined) return undefined
    const status = this.statusOf(service)
    const changed = new Map<string, number>()
    for (const { kind } of status.acts) {
      if (kind === 'limit') {
        changed.set('rateLimiter.tokensPerSecond', status.limit?.tokensPerSecond ?? 0)
        changed.set('rateLimiter.burstSize', status.limit?.burstSize ?? 0)
      }
      if (kind === 'slots') changed.set('bulkhead.maxConcurrent', status.slots?.max ?? 0)
    }
    const settings = service.settings.map(({ path, value, from }): SettingView => {
      const own = changed.get(path)
      return own === undefined ? { path, value, from } : { path, value: own, from: 'operator' }
    })
    return { status, settings }
  }

  /** One service at this moment. */
  statusOf(service: Service): ServiceStatus {
    const snapshot = service.snapshot()
    const { circuitBreaker: breaker, rateLimiter: limiter, bulkhead, latency, retryBudget, calls } = snapshot
    const acts = this.controller.actsOn(service.name)
    return {
      name: service.name,
      profile: service.profile,
      state: shownState(service, acts),
      since: breaker?.since ?? 0,
      circuit: breaker && {
        nextAttemptAt: breaker.nextAttemptAt,
        failureCount: breaker.failureCount,
        failureThreshold: breaker.failureThreshold,
        probes: breaker.probes,
        lastError: breaker.lastError,
      },
      limit: limiter && {
        remaining: limiter.remaining,
        burstSize: limiter.burstSize,
        tokensPerSecond: limiter.tokensPerSecond,
        pausedForMs: limiter.pausedForMs,
      },
      slots: bulkhead && { active: bulkhead.active, max: bulkhead.maxConcurrent, queued: queuedIn(snapshot) },
      latency: latency && { p50Ms: latency.p50Ms, p90Ms: latency.p90Ms, p99Ms: latency.p99Ms },
      retryBudget: retryBudget && { tokens: retryBudget.tokens, capacity: retryBudget.capacity },
      inFlight: calls.inFlight,
      acts,
    }
  }

  /** Ends all streams, so that an application can close. */
  endStreams(): void {
    this.stream.close()
  }

  /** Writes down what is not yet, and lets go of the files. */
  close(): void {
    this.#secondTimer?.cancel()
    this.#boardTimer?.cancel()
    this.controller.close()
    this.#sampler.close()
    this.stream.close()
    this.history.flush()
    for (const close of this.#closings.reverse()) close()
  }

  /** Each second begins with the wall clock's, so that a clock that was set is followed at once. */
  #scheduleSecond(): void {
    const delay = 1_000 - (this.clock.wallTime() % 1_000)
    this.#secondTimer = this.clock.setTimer(
      () => {
        this.#guard(() => this.#second())
        this.#scheduleSecond()
      },
      delay,
      false,
    )
  }

  #second(): void {
    const at = (Math.round(this.clock.wallTime() / 1_000) - 1) * 1_000
    const services = this.#sampler.take((service) => shownState(service, this.controller.actsOn(service.name)))
    this.stream.send('second', { at, services, routes: this.traffic.take() })
    for (const second of services) this.incidents.addSecond(second, this.#doubtsSince(second.service))
    this.history.addSecond(at, services)
  }

  #scheduleBoard(): void {
    this.#boardTimer = this.clock.setTimer(
      () => {
        this.#guard(() => this.#showBoard())
        this.#scheduleBoard()
      },
      this.#liveIntervalMs,
      false,
    )
  }

  /** Tells the viewers what has changed on the board. */
  #showBoard(): void {
    if (this.stream.viewers === 0) return this.#shown.clear()
    const services: ServiceStatus[] = []
    for (const service of this.#resilience.services) {
      const status = this.statusOf(service)
      const text = JSON.stringify(status)
      if (this.#shown.get(service.name) === text) continue
      this.#shown.set(service.name, text)
      services.push(status)
    }
    const orders = this.#orders()
    const ordersText = JSON.stringify(orders)
    if (services.length === 0 && ordersText === this.#shownOrders) return
    this.#shownOrders = ordersText
    this.stream.show('board', { at: this.clock.wallTime(), services, orders })
  }

  #circuitChanged(event: CircuitEvent): void {
    const { name, from, to, reason, at, error } = event
    const service = this.#resilience.services.find((known) => known.name === name)
    if (service === undefined) return
    const { failureCount = 0 } = service.circuitBreaker?.snapshot() ?? {}
    const text = circuitText(event, failureCount)
    const byHand = reason === 'tripped' || reason === 'disabled' || reason === 'reset'
    const state = shownState(service, this.controller.actsOn(name))
    this.#guard(() => {
      // A pause is planned: nothing is down.
      if (to === 'OPEN' && from === 'CLOSED' && state !== 'PAUSED') {
        const cause = error === undefined ? text : `${text.split(':')[0]}: ${errorText(error)}`
        const limit = service.settings.find(({ path }) => path === 'attemptTimeoutMs')?.value
        const waitLimitMs = typeof limit === 'number' ? limit : null
        const ordersInDoubt = this.#tracksOrdersOf(name) ? [] : null
        this.incidents.open({ service: name, openedAt: at, byHand, cause, waitLimitMs, ordersInDoubt })
      }
      if (to === 'OPEN' && from === 'HALF_OPEN') this.incidents.reopen(name)
      if (to === 'CLOSED') this.incidents.close(name, at, text)
      const told: Told = { kind: 'circuit', service: name, state, text, who: null }
      // What a person does is told as his act.
      if (!this.controller.isActing) this.#tell(told)
      this.#showBoard()
    })
  }

  #tell(told: Told): void {
    const happening: Happening = this.history.addHappening({ at: this.clock.wallTime(), ...told })
    this.stream.send('happening', happening)
  }

  #orders(): OrdersStatus {
    const doubtful = this.#doubtfulOrders?.().filter(({ ending }) => ending === null)
    const inDoubt =
      doubtful === undefined
        ? null
        : {
            count: doubtful.length,
            oldestSince: doubtful.length === 0 ? null : Math.min(...doubtful.map(({ since }) => since)),
          }
    return { ...this.controller.orders, inDoubt }
  }

  /** Orders go to brokers only. */
  #tracksOrdersOf(name: string): boolean {
    const service = this.#resilience.services.find((known) => known.name === name)
    return this.#doubtfulOrders !== undefined && service?.profile === 'BROKER'
  }

  #doubtsSince(service: string): { id: string; ending: string | null }[] | null {
    const openedAt = this.incidents.lastingSince(service)
    if (this.#doubtfulOrders === undefined || openedAt === undefined || !this.#tracksOrdersOf(service)) return null
    return this.#doubtfulOrders()
      .filter(({ since }) => since >= openedAt)
      .slice(0, 100)
      .map(({ id, ending }) => ({ id, ending }))
  }

  /** A history that cannot be written is no reason to stop watching. */
  #guard(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#reportError(error)
    }
  }
}
