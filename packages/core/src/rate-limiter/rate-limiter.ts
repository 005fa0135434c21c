/** The rate limiter: token buckets, for all clients and for each, taken from together or not at all. */
import { type Clock, systemClock } from '../clock.ts'
import { InvalidOptionError } from '../errors.ts'
import { reportToConsole } from '../events.ts'
import { Gate } from '../gate/gate.ts'
import { laneOf, type Priority } from '../gate/priority.ts'
import { waitAtGate } from '../gate/ticket.ts'
import { checkOptions } from '../options.ts'
import type { CallOptions, Guarded } from '../pipeline/call.ts'
import { deadlinesOf } from '../pipeline/deadlines.ts'
import { executeSync, type SyncCallOptions, type SyncGuarded } from '../pipeline/execute-sync.ts'
import { Executor } from '../pipeline/executor.ts'
import { Judge } from '../pipeline/judge.ts'
import { makePlan } from '../pipeline/plan.ts'
import type { Bucket, ClientBuckets } from './bucket.ts'
import type { ClientPlace } from './client-place.ts'
import { type DecisionRecord, newDecision, type RateLimitDecision } from './decision.ts'
import type { ClientKey } from './key-hash.ts'
import type { Quota } from './learned-quota.ts'
import { ANONYMOUS, Levels } from './levels.ts'
import { localStore } from './local-store.ts'
import { quotaOf } from './quota-headers.ts'
import {
  bucketOf,
  checkRateLimiterOptions,
  RATE_LIMIT_RULES,
  type RateLimit,
  type RateLimiterOptions,
} from './rate-limiter-options.ts'
import type { AcquireOptions, TakeOptions } from './take-options.ts'

/** The longest that a service can pause a limiter: a week, in milliseconds. The longest bans that exchanges announce are three days. */
export const LONGEST_PAUSE_MS = 604_800_000

/** A limiter at one moment, as plain data. */
export interface RateLimiterSnapshot {
  readonly tokensPerSecond: number | null
  readonly burstSize: number | null
  /** Whole tokens left for all, of the limit with least left; null without a limit for all. */
  readonly remaining: number | null
  /** How many the service said are left of its own limit; null when it has not said. */
  readonly learnedRemaining: number | null
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
 * `burstSize + tokensPerSecond × W`, and none of `windows` more than its `limit`. With `perClient` each client has its own
 * bucket too. A call takes from all of them or from none. Who waits is served by priority, then first come, first served;
 * who does not wait never overtakes who does.
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

  /** For gates: everything that a call must pass. */
  readonly levels: Levels
  /** Whether answers are read for what the service says is left. */
  readonly learns: boolean

  readonly #clock: Clock
  readonly #reading: Pick<Clock, 'now'>
  readonly #executor: Executor
  readonly #gates = new Set<Gate>()
  readonly #isAdjustable: boolean
  /** The clients' buckets, as long as they are all that must be asked. */
  #clientsAlone: ClientBuckets | undefined
  /** Whether its tokens are kept where a no at hand may not be one. */
  readonly #asksElsewhere: boolean
  #admitted = 0
  #refused = 0

  /** @throws InvalidOptionError when an option makes no sense */
  constructor(options: RateLimiterOptions) {
    checkRateLimiterOptions('rateLimiter', options)
    this.#clock = options.clock ?? systemClock
    this.#reading = deadlinesOf(this.#clock).reading
    this.maxWaitMs = options.maxWaitMs ?? 30_000
    this.learns = options.learn ?? false
    this.#isAdjustable = options.tokensPerSecond !== undefined
    this.#asksElsewhere = options.store !== undefined
    this.levels = new Levels(options, options.store ?? localStore(this.#clock), this.#clock, () =>
      this.#dispatchGates(),
    )
    this.#clientsAlone = this.levels.clientsAlone
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
    this.admit(decision, options.client, options.cost, options.priority)
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
  admit(decision: DecisionRecord, client?: ClientKey, cost = 1, priority?: Priority): boolean {
    if (cost !== 1) this.checkCost(cost, priority)
    const now = this.#reading.now()
    const alone = this.#clientsAlone
    if (alone !== undefined) return this.#admitFrom(alone.of(client ?? ANONYMOUS, now), decision, cost, now)
    const critical = priority === 'critical'
    const queued = this.#gates.size === 0 ? 0 : this.#queuedAhead(client, laneOf(priority), now)
    // Who asks behind a queue learns how long all of it takes, and takes nothing.
    if (queued > 0) this.levels.look(client, now)
    const wait = queued === 0 ? this.levels.tryTake(client, cost, critical, now) : Number.POSITIVE_INFINITY
    decision.allowed = wait === 0
    if (wait === 0) this.#admitted++
    else this.#refused++
    const longest = this.levels.describe(decision, wait === 0 ? 0 : cost, critical, now)
    decision.retryAfterMs =
      queued === 0
        ? Math.max(Math.abs(wait), longest)
        : Math.max(1, Math.ceil(this.levels.estimateMs(client, cost, critical, { all: queued, client: queued }, now)))
    return wait === 0
  }

  /**
   * {@link admit} for a client who asks again, as over a connection that is kept: its bucket need not be looked for.
   *
   * @throws InvalidOptionError when the cost is not above 0 or can never be met
   */
  admitAt(decision: DecisionRecord, place: ClientPlace, cost = 1): boolean {
    const alone = this.#clientsAlone
    if (alone?.admitAt === undefined) return this.admit(decision, place.client, cost)
    if (cost !== 1) this.checkCost(cost)
    const now = this.#reading.now()
    const bucket = alone.admitAt(place, cost, now, decision)
    if (bucket !== undefined) return this.#admitFrom(bucket, decision, cost, now)
    this.#admitted++
    return true
  }

  /**
   * {@link admit} where only the client's bucket has to be asked, as in a server. What else a limiter is made of is then not
   * even looked at: between two requests the processor has forgotten it, and fetches it again (bench: `http`).
   */
  #admitFrom(bucket: Bucket, decision: DecisionRecord, cost: number, now: number): boolean {
    const wait = bucket.waitMs(cost, now)
    if (wait === 0) {
      bucket.take(cost, now)
      this.#admitted++
    } else {
      this.#refused++
    }
    decision.allowed = wait === 0
    decision.scope = 'client'
    decision.limit = bucket.burstSize
    decision.remaining = Math.max(0, Math.floor(bucket.available(now)))
    decision.retryAfterMs = wait
    decision.resetMs = bucket.fullInMs(now)
    return wait === 0
  }

  /**
   * {@link tryAcquire} for a limiter whose store may have to ask elsewhere before a no is a no. Without such a store the
   * answer is no promise.
   *
   * @example
   * const decision = limiter.decide({ client })
   * const { allowed } = decision instanceof Promise ? await decision : decision
   */
  decide(options: TakeOptions = {}): RateLimitDecision | Promise<RateLimitDecision> {
    if (!this.#asksElsewhere) return this.tryAcquire(options)
    if (options.cost !== undefined) this.checkCost(options.cost, options.priority)
    const asking = this.asking(options)
    return asking === undefined ? this.tryAcquire(options) : asking.then(() => this.tryAcquire(options))
  }

  /**
   * For who takes from several limiters together ({@link decide} is for one): what has to be waited for before a refusal is
   * one. Settles when the store has been asked, and never rejects; undefined when the answer at hand is good.
   */
  asking({ client, cost = 1, priority }: TakeOptions = {}): Promise<void> | undefined {
    return this.levels.asking(client, cost, priority === 'critical', this.#clock.now())
  }

  /**
   * Waits for the tokens and takes them.
   *
   * @throws RateLimitedError at once when they cannot be there in time, or the queue is full; InvalidOptionError when the
   *   cost is not above 0 or can never be met; the signal's reason when it is aborted
   */
  async acquire(options: AcquireOptions = {}): Promise<void> {
    this.checkCost(options.cost ?? 1, options.priority)
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
   * The same for a function that returns a value and no promise: now or not at all. It does not wait for tokens.
   *
   * @throws RateLimitedError; what the function throws; TypeError when it returns a promise
   */
  executeSync<T>(fn: SyncGuarded<T>, options?: SyncCallOptions): T {
    return executeSync(this.#executor.plan, fn, options)
  }

  /**
   * Admits nobody for a while, because the service asked for it (`Retry-After`). Never shortens a pause. Afterwards one
   * token is there, and the others come in at their rate: what was saved up is gone.
   *
   * @param durationMs milliseconds; at most a week is obeyed
   */
  pauseFor(durationMs: number): void {
    this.levels.pauseUntil(this.#clock.now() + Math.min(Math.max(0, durationMs), LONGEST_PAUSE_MS))
    this.#lookAround()
  }

  /**
   * The service has answered that it is called too often (429, 418). Pauses until the time that it named, in `Retry-After`
   * or as the reset of its limit; without one nothing that was saved up is left.
   *
   * @param answer the answer, or the error that carries it
   */
  throttled(retryAfterMs: number | undefined, answer?: unknown): void {
    const pauseMs = retryAfterMs ?? quotaOf(answer, this.#clock)?.resetMs
    if (pauseMs === undefined) this.levels.keepAtMost(0, this.#clock.now())
    else this.pauseFor(pauseMs)
  }

  /**
   * Takes in what the service says is left of its own limit: no more is admitted until that begins anew. Never widens a
   * limit.
   */
  learn({ remaining, resetMs }: Quota): void {
    if (!(remaining >= 0 && resetMs > 0)) return
    this.levels.learned.learn({ remaining, resetMs: Math.min(resetMs, LONGEST_PAUSE_MS) }, this.#clock.now())
    this.#lookAround()
  }

  /** Learns from the headers of an answer, if it has such. */
  learnFrom(answer: unknown): void {
    const quota = quotaOf(answer, this.#clock)
    if (quota !== undefined) this.learn(quota)
  }

  /**
   * Changes the limit for all clients together, while it works. Tokens that were saved up stay, as far as the new bucket
   * holds them; none are made. Those who wait go by the new limit at once.
   *
   * @throws InvalidOptionError when the limit makes no sense, or there is no limit for all
   */
  setLimit(limit: RateLimit): void {
    checkOptions('rateLimiter', limit, RATE_LIMIT_RULES)
    if (!this.#isAdjustable) {
      throw new InvalidOptionError('rateLimiter.tokensPerSecond', limit.tokensPerSecond, 'there is no limit for all')
    }
    const now = this.#clock.now()
    this.levels.setFirst(bucketOf('global', limit), now)
    this.#dispatchGates(now)
  }

  /** Everything there is to see, as plain data. */
  snapshot(): RateLimiterSnapshot {
    const now = this.#clock.now()
    const { first, clients } = this.levels
    const learned = this.levels.learned.left(now)
    let queued = 0
    for (const gate of this.#gates) queued += gate.length
    return {
      tokensPerSecond: first?.tokensPerSecond ?? null,
      burstSize: first?.burstSize ?? null,
      remaining: first === undefined ? null : this.levels.remaining(now),
      learnedRemaining: learned === Number.POSITIVE_INFINITY ? null : Math.max(0, Math.floor(learned)),
      clients,
      queued,
      pausedForMs: this.levels.pausedForMs(now),
      totals: { admitted: this.#admitted, refused: this.#refused },
    }
  }

  /** For gates: whether a cost can ever be met. @throws InvalidOptionError */
  checkCost(cost: number, priority?: Priority): void {
    const most = this.levels.highestCost(priority === 'critical')
    if (cost > 0 && cost <= most && (!this.levels.countsWhole || Number.isInteger(cost))) return
    const rule = this.levels.countsWhole ? 'a whole number from 1 to' : 'above 0 and at most'
    throw new InvalidOptionError('cost', cost, `it must be ${rule} the burstSize, ${most}`)
  }

  /** For gates: takes tokens, all or none. @returns 0, or what {@link Levels.tryTake} says of the wait */
  tryTake(client: ClientKey | undefined, cost: number, critical: boolean, now: number): number {
    const wait = this.levels.tryTake(client, cost, critical, now)
    if (wait === 0) this.#admitted++
    return wait
  }

  /** For gates: gives tokens back that were taken for a call which then did not run. */
  giveBack(client: ClientKey | undefined, cost: number, now: number): void {
    this.#admitted--
    this.levels.giveBack(client, cost, now)
    if (this.#gates.size > 0) this.#dispatchGates(now)
  }

  /** For gates: a call was refused for want of tokens. */
  countRefusal(): void {
    this.#refused++
  }

  /** For gates: calls wait there for tokens of this limiter. */
  addQueue(gate: Gate): void {
    this.#gates.add(gate)
    this.#lookAround()
  }

  /** For gates: no call waits there any more. */
  removeQueue(gate: Gate): void {
    this.#gates.delete(gate)
    this.#lookAround()
  }

  #lookAround(): void {
    this.#clientsAlone = this.#gates.size === 0 ? this.levels.clientsAlone : undefined
  }

  #dispatchGates(now: number = this.#clock.now()): void {
    for (const gate of [...this.#gates]) gate.dispatch(now)
  }

  /** How many tokens those who came before want, and still cannot have. */
  #queuedAhead(client: ClientKey | undefined, lane: number, now: number): number {
    this.#dispatchGates(now)
    let cost = 0
    for (const gate of this.#gates) cost += gate.costAhead(client, lane)
    return cost
  }
}
