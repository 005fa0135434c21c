/**
 * What can be done to the stand-ins from outside. The HTTP control server and tests use the same object; what they hand it
 * is checked here.
 */
import { z } from 'zod'
import { type FaultRule, InvalidRuleError, parseRules } from '../faults/fault-rule.ts'
import type { Ledger, LedgerRow } from '../ledger.ts'
import type { MarketClock } from '../market/market-clock.ts'
import type { RequestLimit } from '../request-limit.ts'
import type { SimulatedClock } from '../simulated-clock.ts'
import type { UpstreamServer } from '../upstream-server.ts'
import type { UpstreamStats } from '../upstream-statistics.ts'
import type { WireLog, WireRecord } from '../wire-log.ts'

/** The stand-ins of this process. */
export type UpstreamName = 'alpaca' | 'polygon'

/** Something that the control does not know. */
export class UnknownUpstreamError extends Error {
  override readonly name = 'UnknownUpstreamError'
  readonly code = 'UPSTREAMS_UNKNOWN_UPSTREAM'
}

const limits = z.record(
  z.string(),
  z.strictObject({
    requests: z.number().int().min(1).max(1e9),
    windowMs: z.number().min(1).max(86_400_000),
    window: z.enum(['fixed', 'rolling']),
  }),
)

const moves = z.strictObject({
  advanceMs: z.number().min(0).max(31_536_000_000).default(0),
  speed: z.number().min(0).max(100_000).optional(),
})

/** What is controlled. */
export interface Controlled {
  readonly upstreams: ReadonlyMap<string, UpstreamServer>
  readonly ledger: Ledger
  readonly log: WireLog
  readonly clock: SimulatedClock
  readonly marketClock: MarketClock
  /** Begins anew: books, ledger, market. */
  readonly reset: (seed: number | undefined) => void
  readonly setVisibilityLag: (ms: number) => void
}

export class Controls {
  readonly #controlled: Controlled

  constructor(controlled: Controlled) {
    this.#controlled = controlled
  }

  /** Names of the upstreams. */
  get upstreams(): readonly string[] {
    return [...this.#controlled.upstreams.keys()]
  }

  /** Puts these faults in place of all others of that upstream. @throws InvalidRuleError, UnknownUpstreamError */
  setFaults(upstream: string, rules: unknown): void {
    const parsed = parseRules(rules)
    this.#server(upstream).faults.clear()
    this.#server(upstream).faults.add(parsed)
  }

  /** Adds faults after those that are there. @throws InvalidRuleError, UnknownUpstreamError */
  addFaults(upstream: string, rules: unknown): void {
    this.#server(upstream).faults.add(parseRules(rules))
  }

  /** Takes faults away, of one upstream or of all. @throws UnknownUpstreamError */
  clearFaults(upstream?: string): void {
    for (const name of upstream === undefined ? this.upstreams : [upstream]) this.#server(name).faults.clear()
  }

  faults(upstream: string): readonly (FaultRule & { readonly seen: number; readonly hits: number })[] {
    return this.#server(upstream).faults.list()
  }

  /** Changes limits by name (`trading`, `data`, `requests`). @throws InvalidRuleError, UnknownUpstreamError */
  setLimits(upstream: string, input: unknown): void {
    const parsed = parsedBy(limits, input, 'limits')
    const { counters } = this.#server(upstream)
    for (const [name, limit] of Object.entries(parsed)) {
      const counter = counters.get(name)
      if (counter === undefined)
        throw new InvalidRuleError(
          `limits.${name}: there is no such limit; known are ${[...counters.keys()].join(', ')}`,
        )
      counter.limit = limit
    }
  }

  limits(upstream: string): Record<string, RequestLimit> {
    return Object.fromEntries([...this.#server(upstream).counters].map(([name, counter]) => [name, counter.limit]))
  }

  /** For how long after it was booked Alpaca's lookup by client order id does not find an order, in milliseconds. */
  setVisibilityLag(ms: unknown): void {
    this.#controlled.setVisibilityLag(parsedBy(z.number().min(0).max(86_400_000), ms, 'visibilityLagMs'))
  }

  stats(upstream: string): UpstreamStats {
    return this.#server(upstream).statistics.snapshot()
  }

  /** What really happened to orders. */
  ledger(): readonly LedgerRow[] {
    return this.#controlled.ledger.rows
  }

  duplicates(): ReturnType<Ledger['duplicates']> {
    return this.#controlled.ledger.duplicates()
  }

  lateExecutions(intent: string): readonly LedgerRow[] {
    return this.#controlled.ledger.lateExecutions(intent)
  }

  log(since = 0, upstream?: string): readonly WireRecord[] {
    return this.#controlled.log.since(since, upstream)
  }

  /** Moves the clock of limits, bans and lags and that of the market forward, and sets the market's speed. @throws InvalidRuleError */
  moveClock(input: unknown): {
    readonly now: number
    readonly marketTime: number
  } {
    const { advanceMs, speed } = parsedBy(moves, input, 'clock')
    this.#controlled.clock.advance(advanceMs)
    if (speed !== undefined) this.#controlled.marketClock.setSpeed(speed)
    return { now: this.#controlled.clock.wallTime(), marketTime: this.#controlled.marketClock.now() }
  }

  /** As if just started, with this seed or the same. */
  reset(seed?: number): void {
    for (const server of this.#controlled.upstreams.values()) server.reset()
    this.#controlled.log.reset()
    this.#controlled.reset(seed)
  }

  #server(upstream: string): UpstreamServer {
    const server = this.#controlled.upstreams.get(upstream)
    if (server !== undefined) return server
    throw new UnknownUpstreamError(
      `there is no upstream ${JSON.stringify(upstream.slice(0, 50))}; known are ${this.upstreams.join(', ')}`,
    )
  }
}

function parsedBy<T>(schema: z.ZodType<T>, input: unknown, subject: string): T {
  const read = schema.safeParse(input)
  if (read.success) return read.data
  const [issue] = read.error.issues
  throw new InvalidRuleError(`${[subject, ...(issue?.path ?? [])].join('.')}: ${issue?.message}`)
}
