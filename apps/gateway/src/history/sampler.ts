/** Counts what becomes of the calls of each service, and hands it out second by second. */
import type { ExampleCall, RefusedByCause, ServiceSecond, ShownState } from '@holdfast/console/api'
import type { HoldfastErrorCode, Resilience, ResilienceEvent, Service, ServiceSnapshot, Unsubscribe } from 'holdfast'

/** One of the causes of a refusal. */
type Cause = keyof RefusedByCause

const CAUSES: ReadonlyMap<HoldfastErrorCode, Cause> = new Map([
  ['HOLDFAST_CIRCUIT_OPEN', 'circuit'],
  ['HOLDFAST_RATE_LIMITED', 'limit'],
  ['HOLDFAST_BULKHEAD_FULL', 'slots'],
])

/** The longest text of a refusal that is kept. */
const LONGEST_TEXT = 400

/** What has happened to one service since the last second. */
interface Counts {
  refused: Record<Cause, number>
  /** One call of each kind, with how many there were. */
  examples: Map<string, ExampleCall & { count: number }>
}

/** The part of a snapshot whose changes are counted. */
type Totals = ServiceSnapshot['calls']

/** Watches the services and counts by seconds. */
export class Sampler {
  readonly #resilience: Resilience
  readonly #counts = new Map<string, Counts>()
  readonly #totals = new Map<string, Totals>()
  readonly #unsubscribe: Unsubscribe

  constructor(resilience: Resilience) {
    this.#resilience = resilience
    for (const service of resilience.services) this.#totals.set(service.name, service.snapshot().calls)
    this.#unsubscribe = resilience.events.subscribe((event) => this.#count(event))
  }

  /** What happened since it was asked last. @param stateOf where a service stands */
  take(stateOf: (service: Service) => ShownState): ServiceSecond[] {
    return this.#resilience.services.map((service) => this.#second(service, stateOf(service)))
  }

  /** Stops watching. */
  close(): void {
    this.#unsubscribe()
  }

  #second(service: Service, state: ShownState): ServiceSecond {
    const snapshot = service.snapshot()
    const { calls, bulkhead, rateLimiter, latency } = snapshot
    const before = this.#totals.get(service.name)
    const { refused, examples } = this.#counts.get(service.name) ?? { refused: none(), examples: new Map() }
    this.#totals.set(service.name, calls)
    this.#counts.delete(service.name)
    const gained = (field: keyof Totals): number => calls[field] - (before?.[field] ?? 0)
    return {
      service: service.name,
      succeeded: gained('succeeded'),
      failed: gained('failed'),
      cancelled: gained('cancelled'),
      refused,
      retries: gained('retries'),
      timeouts: gained('timeouts'),
      p50Ms: latency?.p50Ms ?? null,
      p90Ms: latency?.p90Ms ?? null,
      p99Ms: latency?.p99Ms ?? null,
      active: bulkhead?.active ?? calls.inFlight,
      queued: queuedIn(snapshot),
      tokens: rateLimiter?.remaining ?? null,
      state,
      examples: [...examples.values()],
    }
  }

  #count(event: ResilienceEvent): void {
    if (event.type === 'circuit' || event.service === undefined) return
    let counts = this.#counts.get(event.service)
    if (counts === undefined) {
      counts = { refused: none(), examples: new Map() }
      this.#counts.set(event.service, counts)
    }
    if (event.type === 'refused') {
      const cause = CAUSES.get(event.code)
      if (cause !== undefined) counts.refused[cause]++
    }
    const kind = event.type === 'refused' ? event.code : event.type
    const known = counts.examples.get(kind)
    if (known === undefined) counts.examples.set(kind, { ...exampleOf(event), count: 1 })
    else known.count++
  }
}

function none(): Record<Cause, number> {
  return { circuit: 0, limit: 0, slots: 0 }
}

function exampleOf(event: Exclude<ResilienceEvent, { type: 'circuit' }>): ExampleCall {
  const { at, type, operation = null, attempt } = event
  const retryAfterMs = type === 'refused' ? (event.retryAfterMs ?? null) : type === 'retry' ? event.delayMs : null
  return { at, what: type, operation, attempt, message: textOf(event).slice(0, LONGEST_TEXT), retryAfterMs }
}

function textOf(event: Exclude<ResilienceEvent, { type: 'circuit' }>): string {
  if (event.type === 'refused') return event.message
  if (event.type === 'timeout') {
    const what = event.scope === 'attempt' ? 'the attempt' : 'the whole call'
    return `${what} had no answer within ${event.timeoutMs} ms`
  }
  const { attempt, delayMs, errorCode } = event
  return `attempt ${attempt} failed with ${errorCode ?? 'an error without a code'}; the next one comes ${Math.round(delayMs)} ms later`
}

/** Those who wait, for a slot, for tokens or for both: a service has one queue, which both patterns report. */
export function queuedIn({ bulkhead, rateLimiter }: ServiceSnapshot): number {
  return Math.max(bulkhead?.queued ?? 0, rateLimiter?.queued ?? 0)
}
