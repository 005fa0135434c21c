/** Puts a subject through a scenario. */
import { InvalidOptionError } from 'holdfast'
import { VirtualClock } from '../clock/virtual-clock.ts'
import { seededRandom } from '../seeded-random.ts'
import { SimulatedUpstream } from '../upstream/simulated-upstream.ts'
import { UpstreamError } from '../upstream/upstream-error.ts'
import { arrivals } from './arrivals.ts'
import { checkScenario } from './check-scenario.ts'
import { type Ideal, idealOf } from './ideal.ts'
import { quantile, type RouteResult, recoverySeconds, type ScenarioResult, type SecondResult } from './result.ts'
import type { Handler, Happening, Scenario, ScenarioRequest, Subject } from './scenario.ts'

/** How much longer the clock runs than requests come: what has not settled by then never will. */
const AFTERMATH_MS = 30_000

/** How a run may differ from the usual. */
export interface RunOptions {
  /** Draws everything that is drawn. Default 1. */
  readonly seed?: number | undefined
  /** The clock, at zero. Default: a new one. Hand it in where globals are virtual too. */
  readonly clock?: VirtualClock | undefined
}

/** What became of a request. */
type Outcome = 'pending' | 'good' | 'late' | 'failed' | 'gone'

/** A request under way. */
interface Tracked {
  readonly request: ScenarioRequest
  outcome: Outcome
  latencyMs: number
  succeeded: boolean
}

/**
 * Runs a simulated platform: requests come, each takes one of its slots and is answered by the subject, which reaches its
 * upstreams through simulated connections. All in virtual time: a minute takes a fraction of a second, and the same seed
 * gives the same result.
 *
 * @throws InvalidOptionError when the scenario makes no sense
 * @example
 * const { goodput, recoverySeconds } = await runScenario(outage, { name: 'ours', make: ({ clock }) => guarded(clock) })
 */
export async function runScenario(
  scenario: Scenario,
  subject: Subject,
  options: RunOptions = {},
): Promise<ScenarioResult> {
  checkScenario(scenario)
  const { clock = new VirtualClock() } = options
  if (clock.now() !== 0) throw new InvalidOptionError('clock', clock.now(), 'it must stand at 0: requests come by it')
  return await new Platform(scenario, subject, { ...options, clock }).run()
}

class Platform {
  readonly #scenario: Scenario
  readonly #subject: string
  readonly #seed: number
  readonly #clock: VirtualClock
  readonly #handler: Handler
  readonly #upstreams: ReadonlyMap<string, SimulatedUpstream>
  readonly #tracked: readonly Tracked[]
  readonly #seconds: SecondResult[]
  readonly #failures: Record<string, number> = {}
  readonly #waiting: Tracked[] = []
  #waitingHead = 0
  #busy = 0
  #mostPending = 0

  constructor(
    scenario: Scenario,
    subject: Subject,
    { seed = 1, clock }: RunOptions & { readonly clock: VirtualClock },
  ) {
    this.#scenario = scenario
    this.#subject = subject.name
    this.#seed = seed
    this.#clock = clock
    const upstreams = Object.entries(scenario.upstreams)
    this.#upstreams = new Map(upstreams.map(([name, options]) => [name, new SimulatedUpstream({ ...options, clock })]))
    const services = Object.fromEntries(upstreams.map(([name, { facts }]) => [name, facts]))
    this.#handler = subject.make({ clock, random: seededRandom(seed * 31 + 7), services })
    this.#tracked = arrivals(scenario, seed).map((request) => ({
      request,
      outcome: 'pending',
      latencyMs: 0,
      succeeded: false,
    }))
    this.#seconds = Array.from({ length: Math.ceil(scenario.durationMs / 1_000) }, () => ({
      offered: 0,
      good: 0,
      offeredUnaffected: 0,
      goodUnaffected: 0,
      sent: 0,
    }))
  }

  async run(): Promise<ScenarioResult> {
    const { happenings = [], durationMs } = this.#scenario
    for (const happening of happenings) this.#clock.receiveAt(happening.atMs, () => this.#happen(happening))
    this.#awaitArrival(0)
    await this.#clock.advance(durationMs + AFTERMATH_MS)
    this.#clock.clear()
    const requests = this.#tracked.map(({ request }) => request)
    return this.#result(idealOf(this.#scenario, requests, this.#seed))
  }

  #happen(happening: Happening): void {
    if (happening.type === 'stall') this.#clock.block(happening.durationMs)
    else this.#clock.stepWallTime(happening.byMs)
  }

  #awaitArrival(index: number): void {
    const next = this.#tracked[index]
    if (next === undefined) return
    this.#clock.receiveAt(next.request.arrivedAt, () => {
      this.#arrive(next)
      this.#awaitArrival(index + 1)
    })
  }

  #arrive(tracked: Tracked): void {
    if (this.#busy < this.#scenario.slots) void this.#handle(tracked)
    else this.#waiting.push(tracked)
    this.#mostPending = Math.max(this.#mostPending, this.#busy + this.#waiting.length - this.#waitingHead)
  }

  async #handle(tracked: Tracked): Promise<void> {
    const { request } = tracked
    this.#busy++
    try {
      await this.#handler(request, this.#connection(request))
      tracked.succeeded = true
      tracked.outcome = this.#clock.now() <= request.deadlineAt ? 'good' : 'late'
    } catch (error) {
      const cause = causeOf(error)
      this.#failures[cause] = (this.#failures[cause] ?? 0) + 1
      // An answer that says no is an answer.
      if (isAnswer(error)) tracked.outcome = this.#clock.now() <= request.deadlineAt ? 'good' : 'late'
      else tracked.outcome = 'failed'
    }
    tracked.latencyMs = this.#clock.now() - request.arrivedAt
    this.#busy--
    this.#admitNext()
  }

  /** The next whose client still waits. */
  #admitNext(): void {
    for (;;) {
      const next = this.#waiting[this.#waitingHead]
      if (next === undefined) return
      if (++this.#waitingHead >= 1_000) {
        this.#waiting.splice(0, this.#waitingHead)
        this.#waitingHead = 0
      }
      if (this.#clock.now() < next.request.deadlineAt) {
        void this.#handle(next)
        return
      }
      next.outcome = 'gone'
    }
  }

  #connection(request: ScenarioRequest): Parameters<Handler>[1] {
    const upstream = this.#upstreams.get(request.route.upstream)
    if (upstream === undefined) throw new RangeError(`there is no upstream ${request.route.upstream}`)
    const count = (signal: AbortSignal | undefined): void => {
      const second = this.#seconds[Math.floor(this.#clock.now() / 1_000)]
      if (second !== undefined && !signal?.aborted && request.route.isUnaffected !== true) second.sent++
    }
    return {
      send: (signal) => {
        count(signal)
        return upstream.send(request, signal)
      },
      lookUp: (signal) => {
        count(signal)
        return upstream.lookUp(request, signal)
      },
    }
  }

  #result(ideal: Ideal): ScenarioResult {
    const { name, routes, faultEndsMs, durationMs } = this.#scenario
    const affected = this.#tracked.filter(({ request }) => request.route.isUnaffected !== true)
    const good = affected.filter(({ outcome }) => outcome === 'good').length
    const upstreams = new Set(affected.map(({ request }) => request.route.upstream))
    const totals = [...upstreams].map((upstream) => this.#upstreams.get(upstream)?.totals)
    const sum = (of: (total: NonNullable<(typeof totals)[number]>) => number): number =>
      totals.reduce((all, total) => all + (total === undefined ? 0 : of(total)), 0)
    const sent = sum((total) => total.sent)
    const results = Object.fromEntries(routes.map((route) => [route.name, this.#routeResult(route.name, ideal)]))
    const goodputOf = (isUnaffected: boolean): number => {
      const those = routes.filter((route) => (route.isUnaffected === true) === isUnaffected)
      const feasible = those.reduce((all, route) => all + (ideal.feasible[route.name] ?? 0), 0)
      const achieved = those.reduce(
        (all, route) => all + (results[route.name]?.goodput ?? 0) * (ideal.feasible[route.name] ?? 0),
        0,
      )
      return feasible === 0 ? 1 : achieved / feasible
    }
    this.#chart()
    return {
      scenario: name,
      subject: this.#subject,
      seed: this.#seed,
      routes: results,
      goodput: goodputOf(false),
      unaffectedGoodput: goodputOf(true),
      amplification: sent / affected.length,
      waste: (sent - good) / affected.length,
      recoverySeconds:
        faultEndsMs === undefined
          ? 0
          : recoverySeconds(
              affected.map(({ request, outcome }) => ({ arrivedAt: request.arrivedAt, good: outcome === 'good' })),
              faultEndsMs,
              durationMs,
            ),
      mostPending: this.#mostPending,
      mostInFlight: Math.max(0, ...totals.map((total) => total?.mostInFlight ?? 0)),
      neverSettled: this.#tracked.filter(({ outcome }) => outcome === 'pending').length,
      throttled: sum((total) => total.throttled),
      bans: sum((total) => total.bans),
      ...this.#orders(),
      failures: this.#failures,
      seconds: this.#seconds,
    }
  }

  #routeResult(route: string, ideal: Ideal): RouteResult {
    const own = this.#tracked.filter(({ request }) => request.route.name === route)
    const good = own.filter(({ outcome }) => outcome === 'good')
    const feasible = ideal.feasible[route] ?? 0
    const achieved = good.filter(({ request }) => ideal.couldBeAnswered[request.id]).length
    const latencies = good.map(({ latencyMs }) => latencyMs).sort(ascending)
    const calm = own.map(({ request }) => ideal.unhinderedMs[request.id] ?? 0).sort(ascending)
    return {
      offered: own.length,
      feasible,
      good: good.length,
      goodput: feasible === 0 ? 1 : Math.min(1, achieved / feasible),
      p50Ms: quantile(latencies, 0.5),
      p99Ms: quantile(latencies, 0.99),
      calmP99Ms: quantile(calm, 0.99),
    }
  }

  /** An order is unknown when its client was told that it failed and it was carried out, or the other way round. */
  #orders(): { doubled: number; unknown: number } {
    let doubled = 0
    let unknown = 0
    for (const { request, succeeded } of this.#tracked) {
      if (request.route.kind !== 'order') continue
      const executions = this.#upstreams.get(request.route.upstream)?.executions(request.id) ?? 0
      if (executions > 1) doubled++
      if (executions > 0 !== succeeded) unknown++
    }
    return { doubled, unknown }
  }

  #chart(): void {
    for (const { request, outcome } of this.#tracked) {
      const second = this.#seconds[Math.floor(request.arrivedAt / 1_000)]
      if (second === undefined) continue
      const isGood = outcome === 'good' ? 1 : 0
      if (request.route.isUnaffected === true) {
        second.offeredUnaffected++
        second.goodUnaffected += isGood
      } else {
        second.offered++
        second.good += isGood
      }
    }
  }
}

/** A client's own fault, as the upstream told it. */
function isAnswer(error: unknown): boolean {
  if (!(error instanceof UpstreamError) || error.status === undefined) return false
  return error.status >= 400 && error.status < 500 && error.status !== 408 && error.status !== 429
}

function ascending(a: number, b: number): number {
  return a - b
}

/** What a request failed with, in a word. */
function causeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error)
  const { code, status, name } = { code: undefined, status: undefined, name: 'Error', ...pick(error) }
  return String(code ?? status ?? name)
}

function pick(error: object): { code?: unknown; status?: unknown; name?: unknown } {
  const picked: { code?: unknown; status?: unknown; name?: unknown } = {}
  if ('code' in error && error.code !== undefined) picked.code = error.code
  if ('status' in error && error.status !== undefined) picked.status = error.status
  if ('name' in error) picked.name = error.name
  return picked
}
