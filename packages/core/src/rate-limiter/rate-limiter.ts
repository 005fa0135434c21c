/** The rate limiter: token buckets, for all clients and for each, taken from together or not at all. */
import { type Clock, systemClock } from '../clock.ts'
import { InvalidOptionError } from '../errors.ts'
import { reportToConsole } from '../events.ts'
import { Gate } from '../gate/gate.ts'
import { waitAtGate } from '../gate/ticket.ts'
import { checkOptions } from '../options.ts'
import type { CallOptions, Guarded } from '../pipeline/call.ts'
import { execute } from '../pipeline/executor.ts'
import { Judge } from '../pipeline/judge.ts'
import { makePlan, type Plan } from '../pipeline/plan.ts'
import { ClientBuckets } from './client-buckets.ts'
import {
  burstOf,
  checkRateLimiterOptions,
  RATE_LIMIT_RULES,
  type RateLimit,
  type RateLimiterOptions,
} from './rate-limiter-options.ts'
import { TokenBucket } from './token-bucket.ts'

/** The longest that a service's `Retry-After` can pause a limiter: one hour, in milliseconds. */
export const LONGEST_PAUSE_MS = 3_600_000

/** Who calls when nobody says who. */
const ANONYMOUS = ''

/** What was decided about one call, and what to tell the client. */
export interface RateLimitDecision {
  /** Whether the tokens were taken. */
  readonly allowed: boolean
  /** Which limit is the tighter one, to which the other figures belong. */
  readonly scope: 'global' | 'client'
  /** Its `burstSize`. */
  readonly limit: number
  /** Whole tokens left in it. */
  readonly remaining: number
  /** How long to wait before trying again, in milliseconds; 0 when allowed. Who waits that long and is alone is admitted. */
  readonly retryAfterMs: number
  /** In how many milliseconds it is full again. */
  readonly resetMs: number
}

/** Who asks, and for how much. */
export interface TakeOptions {
  /** Whose bucket. Callers that do not say are one client together. */
  readonly client?: string | undefined
  /** How many tokens. Default 1; above 0 and at most the burst. */
  readonly cost?: number | undefined
}

/** The same, for somebody who waits. */
export interface AcquireOptions extends TakeOptions {
  /** How long to wait at most, in milliseconds, instead of the limiter's `maxWaitMs`. */
  readonly maxWaitMs?: number | undefined
  /** Ends the wait: rejects with the signal's reason and costs nothing. */
  readonly signal?: AbortSignal | undefined
}

/** A limiter at one moment, as plain data. */
export interface RateLimiterSnapshot {
  readonly tokensPerSecond: number | null
  readonly burstSize: number | null
  /** Whole tokens left for all; null without a limit for all. */
  readonly remaining: number | null
  /** How many clients have a bucket of their own. */
  readonly clients: number
  /** How many callers wait. */
  readonly queued: number
  /** For how many more milliseconds the service asked not to be called. */
  readonly pausedForMs: number
  readonly totals: { readonly admitted: number; readonly refused: number }
}

/**
 * Lets `tokensPerSecond` calls through, and up to `burstSize` at once. No window of any length W sees more than
 * `burstSize + tokensPerSecond × W`. With `perClient` each client has its own bucket too, and a call takes from both or
 * from neither. Who waits is served first come, first served; who does not wait never overtakes who does.
 *
 * @example
 * const limiter = new RateLimiter({ tokensPerSecond: 3, burstSize: 10, perClient: { tokensPerSecond: 1, burstSize: 5 } })
 * const { allowed, retryAfterMs } = limiter.tryAcquire({ client: 'desk-7' })
 * await limiter.acquire({ client: 'desk-7', cost: 2, maxWaitMs: 500 })
 */
export class RateLimiter {
  /** The queue of those who wait for tokens alone. */
  readonly gate: Gate
  /** How long a caller waits at most, in milliseconds. */
  readonly maxWaitMs: number

  readonly #clock: Clock
  readonly #plan: Plan
  #global: TokenBucket | undefined
  readonly #clients: ClientBuckets | undefined
  readonly #gates = new Set<Gate>()
  #pausedUntil = Number.NEGATIVE_INFINITY
  #admitted = 0
  #refused = 0

  /** @throws InvalidOptionError when an option makes no sense */
  constructor(options: RateLimiterOptions) {
    checkRateLimiterOptions('rateLimiter', options)
    const { tokensPerSecond, perClient } = options
    this.#clock = options.clock ?? systemClock
    this.maxWaitMs = options.maxWaitMs ?? 30_000
    if (tokensPerSecond !== undefined) {
      const burstSize = burstOf({ tokensPerSecond, burstSize: options.burstSize })
      this.#global = new TokenBucket(tokensPerSecond, burstSize, this.#clock.now())
    }
    if (perClient !== undefined) {
      this.#clients = new ClientBuckets(perClient.tokensPerSecond, burstOf(perClient), options.maxClients ?? 10_000)
    }
    this.gate = new Gate({
      limiter: this,
      maxQueue: options.maxQueue ?? 1_000,
      maxWaitMs: this.maxWaitMs,
      clock: this.#clock,
    })
    const judge = new Judge({ clock: this.#clock, report: reportToConsole })
    this.#plan = makePlan({ service: undefined, guards: [this.gate], judge, limiter: this, clock: this.#clock })
  }

  /**
   * Takes the tokens if they are there now. Never waits.
   *
   * @throws InvalidOptionError when the cost is not above 0 or can never be met
   */
  tryAcquire(options: TakeOptions = {}): RateLimitDecision {
    const { client = ANONYMOUS, cost = 1 } = options
    this.checkCost(cost)
    const now = this.#clock.now()
    const queued = this.#queuedAhead(client, now)
    const allowed = queued === 0 && this.waitMs(client, cost, now) === 0
    if (allowed) this.take(client, cost, now)
    else this.#refused++
    return this.#decision(client, allowed, cost, queued, now)
  }

  /**
   * Waits for the tokens and takes them.
   *
   * @throws RateLimitedError at once when they cannot be there in time, or the queue is full; InvalidOptionError when the
   *   cost is not above 0 or can never be met; the signal's reason when it is aborted
   */
  async acquire(options: AcquireOptions = {}): Promise<void> {
    this.checkCost(options.cost ?? 1)
    await waitAtGate(this.gate, this.#clock, options)
  }

  /**
   * Calls the function once its tokens are there. `client` and `cost` stand in the options of the call.
   *
   * @throws RateLimitedError when they cannot be there in time; otherwise what the function throws
   */
  execute<T>(fn: Guarded<T>, options?: CallOptions): Promise<Awaited<T>> {
    return execute(this.#plan, fn, options)
  }

  /**
   * Admits nobody for a while, because the service asked for it (`Retry-After`). Never shortens a pause.
   *
   * @param durationMs milliseconds; at most an hour is obeyed
   */
  pauseFor(durationMs: number): void {
    const until = this.#clock.now() + Math.min(Math.max(0, durationMs), LONGEST_PAUSE_MS)
    if (until > this.#pausedUntil) this.#pausedUntil = until
  }

  /**
   * Changes the limit for all clients together, while it works. Tokens that were saved up stay, as far as the new bucket
   * holds them; none are made. Those who wait go by the new limit at once.
   *
   * @throws InvalidOptionError when the limit makes no sense, or there is no limit for all
   */
  setLimit(limit: RateLimit): void {
    checkOptions('rateLimiter', limit, RATE_LIMIT_RULES)
    if (this.#global === undefined) {
      throw new InvalidOptionError('rateLimiter.tokensPerSecond', limit.tokensPerSecond, 'there is no limit for all')
    }
    const now = this.#clock.now()
    const burstSize = burstOf(limit)
    const tokens = Math.min(burstSize, this.#global.available(now))
    this.#global = new TokenBucket(limit.tokensPerSecond, burstSize, now, tokens)
    for (const gate of [...this.#gates]) gate.dispatch(now)
  }

  /** Everything there is to see, as plain data. */
  snapshot(): RateLimiterSnapshot {
    const now = this.#clock.now()
    let queued = 0
    for (const gate of this.#gates) queued += gate.length
    return {
      tokensPerSecond: this.#global?.tokensPerSecond ?? null,
      burstSize: this.#global?.burstSize ?? null,
      remaining: this.#global === undefined ? null : Math.floor(this.#global.available(now)),
      clients: this.#clients?.size ?? 0,
      queued,
      pausedForMs: Math.max(0, Math.ceil(this.#pausedUntil - now)),
      totals: { admitted: this.#admitted, refused: this.#refused },
    }
  }

  /** For gates: whether a cost can ever be met. @throws InvalidOptionError */
  checkCost(cost: number): void {
    const most = Math.min(
      this.#global?.burstSize ?? Number.POSITIVE_INFINITY,
      this.#clients?.burstSize ?? Number.POSITIVE_INFINITY,
    )
    if (cost > 0 && cost <= most) return
    throw new InvalidOptionError('cost', cost, `it must be above 0 and at most the burstSize, ${most}`)
  }

  /** For gates: how long until the tokens for all are there, in milliseconds; 0 when they are. */
  globalWaitMs(cost: number, now: number): number {
    const paused = Math.max(0, Math.ceil(this.#pausedUntil - now))
    return Math.max(paused, this.#global?.waitMs(cost, now) ?? 0)
  }

  /** For gates: how long until the client's own tokens are there, in milliseconds; 0 when they are. */
  clientWaitMs(client: string | undefined, cost: number, now: number): number {
    return this.#clients?.of(client ?? ANONYMOUS, now).waitMs(cost, now) ?? 0
  }

  /** For gates: how long until both are there, in milliseconds; 0 when they are. */
  waitMs(client: string | undefined, cost: number, now: number): number {
    return Math.max(this.globalWaitMs(cost, now), this.clientWaitMs(client, cost, now))
  }

  /** For gates: about when a call at the end of a queue gets its tokens, in milliseconds from now. */
  estimateMs(client: string | undefined, cost: number, ahead: { all: number; client: number }, now: number): number {
    const paused = Math.max(0, this.#pausedUntil - now)
    const forAll = this.#global?.estimateMs(ahead.all + cost, now) ?? 0
    const forClient = this.#clients?.of(client ?? ANONYMOUS, now).estimateMs(ahead.client + cost, now) ?? 0
    return Math.max(paused, forAll, forClient)
  }

  /** For gates: takes tokens that {@link waitMs} has shown to be there. */
  take(client: string | undefined, cost: number, now: number): void {
    this.#admitted++
    this.#global?.take(cost, now)
    this.#clients?.of(client ?? ANONYMOUS, now).take(cost, now)
  }

  /** For gates: gives tokens back that were taken for a call which then did not run. */
  giveBack(client: string | undefined, cost: number, now: number): void {
    this.#admitted--
    this.#global?.giveBack(cost, now)
    this.#clients?.of(client ?? ANONYMOUS, now).giveBack(cost, now)
  }

  /** For gates: a call was refused for want of tokens. */
  countRefusal(): void {
    this.#refused++
  }

  /** For gates: calls wait there for tokens of this limiter. */
  addQueue(gate: Gate): void {
    this.#gates.add(gate)
  }

  /** For gates: no call waits there any more. */
  removeQueue(gate: Gate): void {
    this.#gates.delete(gate)
  }

  /** How many tokens those who came before want, and still cannot have. */
  #queuedAhead(client: string, now: number): number {
    let cost = 0
    for (const gate of [...this.#gates]) {
      gate.dispatch(now)
      cost += gate.costAhead(client)
    }
    return cost
  }

  #decision(client: string, allowed: boolean, cost: number, queued: number, now: number): RateLimitDecision {
    const { scope, bucket, waitMs } = this.#levels(client, allowed ? 0 : cost, now).reduce(tighter)
    const behindQueue = queued === 0 ? 0 : Math.ceil(bucket.estimateMs(queued + cost, now))
    return {
      allowed,
      scope,
      limit: bucket.burstSize,
      remaining: Math.max(0, Math.floor(bucket.available(now))),
      retryAfterMs: allowed ? 0 : Math.max(1, waitMs, behindQueue),
      resetMs: bucket.fullInMs(now),
    }
  }

  #levels(client: string, cost: number, now: number): Level[] {
    const levels: Level[] = []
    const own = this.#clients?.of(client, now)
    if (own !== undefined) levels.push(level('client', own, own.waitMs(cost, now), now))
    if (this.#global !== undefined) levels.push(level('global', this.#global, this.globalWaitMs(cost, now), now))
    return levels
  }
}

/** One of the limits that a call must pass. */
interface Level {
  readonly scope: 'global' | 'client'
  readonly bucket: TokenBucket
  readonly waitMs: number
  readonly available: number
}

function level(scope: 'global' | 'client', bucket: TokenBucket, waitMs: number, now: number): Level {
  return { scope, bucket, waitMs, available: bucket.available(now) }
}

/** Of two limits the one that is waited for longer; of equals the one with less left. */
function tighter(a: Level, b: Level): Level {
  if (a.waitMs !== b.waitMs) return a.waitMs > b.waitMs ? a : b
  return a.available <= b.available ? a : b
}
