/**
 * What can be done to the stand-ins from outside. The HTTP control server and tests use the same object; what they hand it
 * is checked here.
 */
import { z } from 'zod'
import { checked, InvalidRuleError } from '../checked-input.ts'
import type { Ledger, LedgerRow } from '../ledger.ts'
import type { RequestLimit } from '../request-limit.ts'
import type { Simulation } from '../simulation.ts'
import type { UpstreamStats } from '../upstream-statistics.ts'
import type { WireRecord } from '../wire-log.ts'
import type { ControlledUpstream, FaultReport } from './controlled-upstream.ts'

/** The stand-ins of this process. */
export type UpstreamName = 'alpaca' | 'polygon' | 'yahoo' | 'fred' | 'ib'

/** Those that take orders. */
export type BrokerName = 'alpaca' | 'ib'

/** Something that the control does not know. */
export class UnknownUpstreamError extends Error {
  override readonly name = 'UnknownUpstreamError'
  readonly code = 'UPSTREAMS_UNKNOWN_UPSTREAM'
}

const DAY_MS = 86_400_000

const limits = z.record(
  z.string(),
  z.strictObject({
    requests: z.number().int().min(1).max(1e9),
    windowMs: z.number().min(1).max(DAY_MS),
    window: z.enum(['fixed', 'rolling']),
    retryAfter: z.boolean().optional(),
  }),
)

const moves = z.strictObject({
  advanceMs: z
    .number()
    .min(0)
    .max(365 * DAY_MS)
    .default(0),
  speed: z.number().min(0).max(100_000).optional(),
})

const beginning = z.strictObject({ seed: z.number().int().min(0).max(0xffff_ffff).optional() })
const rulesByUpstream = z.record(z.string(), z.unknown())
const lag = z.number().min(0).max(DAY_MS)

export class Controls {
  readonly #servers: ReadonlyMap<string, ControlledUpstream>
  readonly #simulation: Simulation

  constructor(servers: ReadonlyMap<string, ControlledUpstream>, simulation: Simulation) {
    this.#servers = servers
    this.#simulation = simulation
  }

  /** Names of the upstreams. */
  get upstreams(): readonly string[] {
    return [...this.#servers.keys()]
  }

  /** Puts a rule, or a list, in place of all others of that upstream. @throws InvalidRuleError, UnknownUpstreamError */
  setFaults(upstream: string, rules: unknown): void {
    this.setAllFaults({ [upstream]: rules })
  }

  /** The same for several upstreams by name; those not named keep theirs. Nothing changes if anything is wrong. */
  setAllFaults(rules: unknown): void {
    const prepared = Object.entries(checked(rulesByUpstream, rules, 'rules')).map(([name, list]) => {
      const server = this.#server(name)
      return { server, add: server.prepareFaults(list) }
    })
    for (const { server, add } of prepared) {
      server.clearFaults()
      add()
    }
  }

  /** Adds faults after those that are there. @throws InvalidRuleError, UnknownUpstreamError */
  addFaults(upstream: string, rules: unknown): void {
    this.#server(upstream).prepareFaults(rules)()
  }

  /** Takes faults away, and bans that came of them, of one upstream or of all. @throws UnknownUpstreamError */
  clearFaults(upstream?: string): void {
    for (const name of upstream === undefined ? this.upstreams : [upstream]) this.#server(name).clearFaults()
  }

  /** The rules in force. @throws UnknownUpstreamError */
  faults(upstream: string): readonly FaultReport[] {
    return this.#server(upstream).faults.list()
  }

  /** Changes limits by name (`trading`, `data`; `requests`). @throws InvalidRuleError, UnknownUpstreamError */
  setLimits(upstream: string, input: unknown): void {
    const { counters } = this.#server(upstream)
    const changes = Object.entries(checked(limits, input, 'limits')).map(([name, limit]) => {
      const counter = counters.get(name)
      if (counter !== undefined) return { counter, limit }
      throw new InvalidRuleError(`limits.${name}: there is no such limit; known are ${[...counters.keys()].join(', ')}`)
    })
    for (const { counter, limit } of changes) counter.limit = limit
  }

  /** The limits in force, by name. @throws UnknownUpstreamError */
  limits(upstream: string): Record<string, RequestLimit> {
    return Object.fromEntries([...this.#server(upstream).counters].map(([name, counter]) => [name, counter.limit]))
  }

  /** For how long after it was booked Alpaca's lookup by client order id does not find an order. @throws InvalidRuleError */
  setVisibilityLag(lagMs: unknown): void {
    this.#simulation.visibilityLagMs = checked(lag, lagMs, 'visibilityLagMs')
  }

  /** How long a cancellation takes to take effect at Alpaca. @throws InvalidRuleError */
  setCancellationLag(lagMs: unknown): void {
    this.#simulation.book.cancelLagMs = checked(lag, lagMs, 'cancellationLagMs')
  }

  /** Counts of an upstream since the start or the last reset. @throws UnknownUpstreamError */
  stats(upstream: string): UpstreamStats {
    return this.#server(upstream).statistics.snapshot()
  }

  /**
   * What really happened to orders at a broker. Alpaca writes a fill when somebody asks for the order, a position or the
   * account.
   *
   * @throws UnknownUpstreamError
   */
  ledger(broker = 'alpaca'): readonly LedgerRow[] {
    return this.#ledger(broker).rows
  }

  /** Intents of which more than one submission was executed. @throws UnknownUpstreamError */
  duplicates(broker = 'alpaca'): ReturnType<Ledger['duplicates']> {
    return this.#ledger(broker).duplicates()
  }

  /** Executed submissions whose answer never went out whole, of one intent or of all. @throws UnknownUpstreamError */
  lateExecutions(intent?: string, broker = 'alpaca'): readonly LedgerRow[] {
    return this.#ledger(broker).lateExecutions(intent)
  }

  /** Requests as they were on the wire, after a sequence number, of one upstream or of all. @throws UnknownUpstreamError */
  log(since = 0, upstream?: string): readonly WireRecord[] {
    if (upstream !== undefined) this.#server(upstream)
    return this.#simulation.log.since(since, upstream)
  }

  /** What time it is in the market, in milliseconds since 1970. */
  get marketTime(): number {
    return this.#simulation.marketClock.now()
  }

  /** Moves the time of limits, bans, lags and the market forward. @throws InvalidRuleError */
  advanceClock(advanceMs: number): void {
    this.moveClock({ advanceMs })
  }

  /** As {@link advanceClock}, and sets the market's speed. @throws InvalidRuleError */
  moveClock(input: unknown): { readonly now: number; readonly marketTime: number } {
    const { advanceMs, speed } = checked(moves, input, 'clock')
    const { clock, marketClock } = this.#simulation
    clock.advance(advanceMs)
    if (speed !== undefined) marketClock.setSpeed(speed)
    return { now: clock.wallTime(), marketTime: marketClock.now() }
  }

  /** As if just started, with this seed or the one before. @throws InvalidRuleError */
  reset(seed?: number): void {
    this.resetFrom(seed === undefined ? {} : { seed })
  }

  /** As {@link reset}, from a body like `{"seed":7}`. @throws InvalidRuleError */
  resetFrom(input: unknown): void {
    const { seed } = checked(beginning, input, 'reset')
    this.#simulation.reset(seed)
    for (const server of this.#servers.values()) server.reset()
  }

  /** Those that keep a ledger. */
  get brokers(): readonly string[] {
    return this.upstreams.filter((name) => this.#servers.get(name)?.ledger !== undefined)
  }

  #ledger(broker: string): Ledger {
    const { ledger } = this.#server(broker)
    if (ledger !== undefined) return ledger
    throw new UnknownUpstreamError(`${broker} takes no orders; those that do are ${this.brokers.join(', ')}`)
  }

  #server(upstream: string): ControlledUpstream {
    const server = this.#servers.get(upstream)
    if (server !== undefined) return server
    throw new UnknownUpstreamError(
      `there is no upstream ${JSON.stringify(upstream.slice(0, 50))}; known are ${this.upstreams.join(', ')}`,
    )
  }
}
