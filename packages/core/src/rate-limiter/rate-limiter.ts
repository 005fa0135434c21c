/** The rate limiter: token buckets, for all clients and for each, taken from together or not at all. */
import { type Clock, systemClock } from '../clock.ts'
import { InvalidOptionError } from '../errors.ts'
import { reportToConsole } from '../events.ts'
import { Gate } from '../gate/gate.ts'
import { waitAtGate } from '../gate/ticket.ts'
import { checkOptions } from '../options.ts'
import type { CallOptions, Guarded } from '../pipeline/call.ts'
import { Executor } from '../pipeline/executor.ts'
import { Judge } from '../pipeline/judge.ts'
import { makePlan } from '../pipeline/plan.ts'
import type { AdjustableBucket, Bucket, ClientBuckets, CompleteLimit } from './bucket.ts'
import type { ClientKey } from './key-hash.ts'
import { localStore } from './local-store.ts'
import {
  burstOf,
  checkRateLimiterOptions,
  RATE_LIMIT_RULES,
  type RateLimit,
  type RateLimiterOptions,
} from './rate-limiter-options.ts'

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

/** A decision that is written over by the next one, so that a server makes none for each request. */
export type DecisionRecord = { -readonly [Field in keyof RateLimitDecision]: RateLimitDecision[Field] }

/** Who asks, and for how much. */
export interface TakeOptions {
  /** Whose bucket. Callers that do not say are one client together. */
  readonly client?: ClientKey | undefined
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
  readonly #executor: Executor
  readonly #global: AdjustableBucket | undefined
  readonly #clients: ClientBuckets | undefined
  readonly #gates = new Set<Gate>()
  #pausedUntil = Number.NEGATIVE_INFINITY
  #admitted = 0
  #refused = 0

  /** @throws InvalidOptionError when an option makes no sense */
  constructor(options: RateLimiterOptions) {
    checkRateLimiterOptions('rateLimiter', options)
    const { tokensPerSecond, burstSize, perClient } = options
    this.#clock = options.clock ?? systemClock
    this.maxWaitMs = options.maxWaitMs ?? 30_000
    const store = options.store ?? localStore(this.#clock)
    const wake = (): void => this.#dispatchGates()
    if (tokensPerSecond !== undefined) {
      this.#global = store.bucket(complete('global', { tokensPerSecond, burstSize }), wake)
    }
    if (perClient !== undefined) {
      this.#clients = store.clientBuckets(complete('client', perClient), options.maxClients ?? 100_000, wake)
    }
    this.gate = new Gate({
      limiter: this,
      maxQueue: options.maxQueue ?? 1_000,
      maxWaitMs: this.maxWaitMs,
      clock: this.#clock,
    })
    const judge = new Judge({ clock: this.#clock, report: reportToConsole })
    this.#executor = new Executor(
      makePlan({ service: undefined, gate: this.gate, judge, limiter: this, clock: this.#clock }),
    )
  }

  /**
   * Takes the tokens if they are there now. Never waits.
   *
   * @throws InvalidOptionError when the cost is not above 0 or can never be met
   */
  tryAcquire(options: TakeOptions = {}): RateLimitDecision {
    const decision = newDecision()
    this.admit(decision, options.client, options.cost)
    return decision
  }

  /**
   * {@link tryAcquire} for servers: nothing is allocated.
   *
   * @param decision written over with what was decided; {@link newDecision} makes one to begin with
   * @returns whether the tokens were taken
   * @throws InvalidOptionError when the cost is not above 0 or can never be met
   * @example
   * const decision = newDecision()
   * if (!limiter.admit(decision, request.headers['x-api-key'])) refuse(decision.retryAfterMs)
   */
  admit(decision: DecisionRecord, client: ClientKey = ANONYMOUS, cost = 1): boolean {
    if (cost !== 1) this.checkCost(cost)
    const now = this.#clock.now()
    const queued = this.#gates.size === 0 ? 0 : this.#queuedAhead(client, now)
    const own = this.#clients?.of(client, now)
    const forAll = this.globalWaitMs(cost, now)
    const forClient = own?.waitMs(cost, now) ?? 0
    const allowed = queued === 0 && forAll === 0 && forClient === 0
    if (allowed) {
      this.#admitted++
      own?.take(cost, now)
      this.#global?.take(cost, now)
    } else {
      this.#refused++
    }
    const isOwn = own !== undefined && (this.#global === undefined || this.#isTighter(own, forClient, forAll, now))
    const tighter = isOwn ? own : this.#global
    decision.allowed = allowed
    decision.scope = isOwn ? 'client' : 'global'
    decision.limit = tighter?.burstSize ?? 0
    decision.remaining = Math.floor(tighter?.available(now) ?? 0)
    decision.resetMs = tighter?.fullInMs(now) ?? 0
    if (allowed) {
      decision.retryAfterMs = 0
    } else {
      const behindQueue = queued === 0 ? 0 : Math.ceil(tighter?.estimateMs(queued + cost, now) ?? 0)
      decision.retryAfterMs = Math.max(1, forAll, forClient, behindQueue)
    }
    return allowed
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
    return this.#executor.execute(fn, options)
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
    this.#global.setLimit(complete('global', limit), now)
    this.#dispatchGates(now)
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
  clientWaitMs(client: ClientKey | undefined, cost: number, now: number): number {
    return this.#clients?.of(client ?? ANONYMOUS, now).waitMs(cost, now) ?? 0
  }

  /** For gates: about when a call at the end of a queue gets its tokens, in milliseconds from now. */
  estimateMs(client: ClientKey | undefined, cost: number, ahead: { all: number; client: number }, now: number): number {
    const paused = Math.max(0, this.#pausedUntil - now)
    const forAll = this.#global?.estimateMs(ahead.all + cost, now) ?? 0
    const forClient = this.#clients?.of(client ?? ANONYMOUS, now).estimateMs(ahead.client + cost, now) ?? 0
    return Math.max(paused, forAll, forClient)
  }

  /** For gates: takes the tokens if all of them are there. */
  tryTake(client: ClientKey | undefined, cost: number, now: number): boolean {
    if (now < this.#pausedUntil) return false
    const own = this.#clients?.of(client ?? ANONYMOUS, now)
    if (own !== undefined && own.waitMs(cost, now) > 0) return false
    if (this.#global !== undefined && !this.#global.tryTake(cost, now)) return false
    own?.take(cost, now)
    this.#admitted++
    return true
  }

  /** For gates: gives tokens back that were taken for a call which then did not run. */
  giveBack(client: ClientKey | undefined, cost: number, now: number): void {
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

  #dispatchGates(now: number = this.#clock.now()): void {
    for (const gate of [...this.#gates]) gate.dispatch(now)
  }

  /** How many tokens those who came before want, and still cannot have. */
  #queuedAhead(client: ClientKey, now: number): number {
    this.#dispatchGates(now)
    let cost = 0
    for (const gate of this.#gates) cost += gate.costAhead(client)
    return cost
  }

  /** Whether the client's limit is waited for longer than the one for all, or has less left when neither is. */
  #isTighter(own: Bucket, forClient: number, forAll: number, now: number): boolean {
    if (forClient !== forAll) return forClient > forAll
    return own.available(now) <= (this.#global?.available(now) ?? 0)
  }
}

/** A decision to be written over by {@link RateLimiter.admit}. */
export function newDecision(): DecisionRecord {
  return { allowed: false, scope: 'global', limit: 0, remaining: 0, retryAfterMs: 0, resetMs: 0 }
}

function complete(label: string, limit: RateLimit): CompleteLimit {
  return { label, tokensPerSecond: limit.tokensPerSecond, burstSize: burstOf(limit) }
}
