/** Calls of functions that return a value: the same guards, no promise, and nothing that waits. */
import type { ShardCall } from '../circuit-breaker/shards.ts'
import { isRejection, type RefusalError } from '../errors.ts'
import type { Verdict } from '../failures.ts'
import type { Priority } from '../gate/priority.ts'
import type { ClientKey } from '../rate-limiter/key-hash.ts'
import { announceRefusal } from './announce.ts'
import { type Call, type CallOptions, complaintAbout, noFunction } from './call.ts'
import { UNREAD } from './call-record.ts'
import { type NamedCall, type Slot, WAITING } from './guard.ts'
import type { Plan } from './plan.ts'
import { notThenable } from './thenable.ts'

/** What a function without a promise is given. */
export type SyncCall = Pick<Call, 'attempt' | 'service' | 'operation'>

/** A function that is guarded and returns a value. */
export type SyncGuarded<T> = (call: SyncCall) => T

/** What a caller can say about a call that does not wait. */
export type SyncCallOptions = Pick<CallOptions, 'operation' | 'client' | 'key' | 'cost' | 'priority'>

/**
 * Calls the function through the guards of a plan, now or not at all: it waits neither for a slot nor for tokens nor to
 * try again, and no time limit can interrupt it.
 */
export function executeSync<T, F>(plan: Plan<F>, fn: SyncGuarded<T>, options: SyncCallOptions = {}): T | F {
  const { statistics, judge, limiter, learner } = plan
  if (typeof fn !== 'function') throw noFunction(fn)
  const complaint = complaintAbout(options, limiter)
  if (complaint !== undefined) throw complaint
  const execution = new SyncExecution(plan, options)
  statistics.started++
  const refusal = execution.enter()
  if (refusal !== undefined) {
    announceRefusal(plan, execution, refusal)
    return fail(plan, execution, refusal)
  }
  let value: T
  try {
    value = notThenable(fn(execution), 'executeSync: the function', 'execute()')
  } catch (error) {
    const facts = judge.error(error)
    if (facts.throttled) limiter?.throttled(facts.retryAfterMs, error)
    learner?.learnFrom(error)
    execution.leave(facts.verdict, error)
    return fail(plan, execution, error)
  }
  learner?.learnFrom(value)
  const verdict = judge.result(value)
  execution.leave(verdict, value)
  if (verdict === 'success') statistics.succeeded++
  else statistics.failed++
  return value
}

function fail<F>({ fallback, statistics }: Plan<F>, { service, operation, attempt }: SyncCall, error: unknown): F {
  const substitutes = fallback?.handles(error)
  if (isRejection(error)) statistics.refused++
  else statistics.failed++
  if (fallback === undefined || !substitutes) throw error
  return fallback.substituteSync(error, { service, operation, attempt })
}

/** One call; the guards write their marks on it. */
class SyncExecution implements SyncCall, NamedCall {
  readonly service: string | undefined
  readonly operation: string | undefined
  readonly attempt = 1
  readonly client: ClientKey | undefined
  readonly cost: number
  readonly key: string | undefined
  readonly priority: Priority
  circuitGeneration = 0
  circuitProbe = -1
  circuitShard: ShardCall | undefined = undefined
  shardGeneration = 0
  admittedAt = -1
  readonly mayPark = false
  parking = undefined
  slot: Slot | undefined = undefined
  readonly #plan: Plan<unknown>
  #time = UNREAD
  #startedAt = UNREAD

  constructor(plan: Plan<unknown>, { operation, client, key, cost = 1, priority = 'normal' }: SyncCallOptions) {
    this.#plan = plan
    this.service = plan.service
    this.operation = operation
    this.client = client
    this.key = key
    this.cost = cost
    this.priority = priority
  }

  now(): number {
    if (this.#time === UNREAD) this.#time = this.#plan.reading.now()
    return this.#time
  }

  durationMs(): number {
    return this.now() - this.#startedAt
  }

  /** Never called: nothing lets it wait. */
  reenter(): void {}

  enter(): RefusalError | undefined {
    const { throttle, circuit, gate, timed } = this.#plan
    const refusal = throttle?.enter(this) ?? circuit?.enter(this)
    if (refusal !== undefined && refusal !== WAITING) return refusal
    if (gate !== undefined && !gate.enterAtOnce(this)) {
      circuit?.exit(this, 'not-run')
      return gate.refuseNow(this)
    }
    if (timed) this.#startedAt = this.now()
    return undefined
  }

  leave(verdict: Verdict, outcome: unknown): void {
    const { circuit, gate, throttle, retryBudget, latency } = this.#plan
    this.#time = UNREAD
    if (verdict === 'success') {
      retryBudget?.earn()
      throttle?.accepted(this.now())
    }
    if (verdict !== 'neutral') latency?.record(this.durationMs(), this.now())
    circuit?.exit(this, verdict, verdict === 'success' ? undefined : outcome)
    gate?.exit(this, verdict)
  }
}
