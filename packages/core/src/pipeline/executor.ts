/** Runs calls by a plan. docs/how-a-call-runs.md walks one call through this file and execution.ts. */
import type { Priority } from '../gate/priority.ts'
import type { ClientKey } from '../rate-limiter/key-hash.ts'
import type { Call, CallOptions, Guarded } from './call.ts'
import { executionFor } from './execution.ts'
import type { GuardMarks, Slot } from './guard.ts'
import type { Plan } from './plan.ts'
import type { CallStatistics } from './statistics.ts'

/** The clock has not been read yet. */
const UNREAD = Number.NEGATIVE_INFINITY

/**
 * Runs the calls of one pipeline.
 *
 * There is a quick way: a call that nothing can end early and that is admitted at once needs no record of its own, if it
 * succeeds. The executor serves as one, for calls that follow one another; whatever else happens is the business of an
 * {@link Execution}, which goes on as if it had been there from the beginning. This saves a third of what guarding a call
 * costs (bench: `breaker`, `retry`, `bulkhead`).
 */
export class Executor<F = never> implements GuardMarks {
  readonly plan: Plan<F>

  circuitGeneration = 0
  circuitProbe = -1
  circuitShard = undefined
  shardGeneration = 0
  admittedAt = -1
  slot: Slot | undefined = undefined
  /** When the call began, where somebody wants to know. */
  startedAt: number = UNREAD

  readonly #circuit: Plan['circuit']
  readonly #gate: Plan['gate']
  readonly #statistics: CallStatistics
  /** Whether nobody is on the quick way. Where it leads nowhere, somebody always is. */
  #isFree: boolean
  #fn: Guarded<unknown> | undefined = undefined
  #options: CallOptions | undefined = undefined
  #time = UNREAD

  constructor(plan: Plan<F>) {
    this.plan = plan
    this.#circuit = plan.circuit
    this.#gate = plan.gate
    this.#statistics = plan.statistics
    this.#isFree = plan.hasQuickWay
  }

  get operation(): string | undefined {
    return this.#options?.operation
  }

  get key(): string | undefined {
    return this.#options?.key
  }

  get client(): ClientKey | undefined {
    return this.#options?.client
  }

  get cost(): number {
    return 1
  }

  get priority(): Priority {
    return 'normal'
  }

  /** The clock is read when the call begins and when it has ended, at most. */
  now(): number {
    if (this.#time === UNREAD) this.#time = this.plan.reading.now()
    return this.#time
  }

  durationMs(): number {
    return this.now() - this.startedAt
  }

  /** Calls the function through the guards. What goes on inside has no type; here is where it gets in and out. */
  execute<T>(fn: Guarded<T>, options?: CallOptions): Promise<Awaited<T> | F>
  execute(fn: Guarded<unknown>, options?: CallOptions): Promise<unknown> {
    if (!this.#isFree || (options !== undefined && !isPlain(options)) || !this.#enterAtOnce(options)) {
      return executionFor(this.plan).begin(fn, options)
    }
    this.#isFree = false
    this.#fn = fn
    this.#statistics.started++
    if (this.plan.timed) this.startedAt = this.now()
    let value: unknown
    try {
      value = fn(new UnlimitedCall(this.plan.service, options))
    } catch (error) {
      return this.#threw(error)
    }
    return (value instanceof Promise ? value : Promise.resolve(value)).then(this.#onFulfilled, this.#onRejected)
  }

  #enterAtOnce(options: CallOptions | undefined): boolean {
    const circuit = this.#circuit
    const gate = this.#gate
    this.#options = options
    this.#time = UNREAD
    if (circuit !== undefined && !circuit.enterAtOnce(this)) return false
    if (gate === undefined || gate.enterAtOnce(this)) return true
    circuit?.exit(this, 'not-run')
    return false
  }

  /** Made once: two closures a call, and what they close over, would cost as much as all the guards together. */
  readonly #onFulfilled = (value: unknown): unknown => {
    const circuit = this.#circuit
    const gate = this.#gate
    this.#time = UNREAD
    if (circuit !== undefined) circuit.exit(this, 'success')
    if (gate !== undefined) gate.exit(this, 'success')
    this.#statistics.succeeded++
    this.#fn = undefined
    this.#options = undefined
    this.#isFree = true
    return value
  }

  readonly #onRejected = (error: unknown): unknown => this.#handOver().threw(error)

  #threw(error: unknown): Promise<unknown> {
    const execution = this.#handOver()
    const { promise } = execution.ownAnswer()
    execution.threw(error)
    return promise
  }

  #handOver(): ReturnType<typeof executionFor> {
    const execution = executionFor(this.plan)
    execution.continue(this, this.#fn, this.#options)
    this.#fn = undefined
    this.#options = undefined
    this.#isFree = true
    return execution
  }
}

/** Whether nothing in the options of a call can end it or needs to be checked. */
function isPlain({ signal, timeoutMs, deadlineMs, cost, priority }: CallOptions): boolean {
  return (
    signal === undefined &&
    timeoutMs === undefined &&
    deadlineMs === undefined &&
    cost === undefined &&
    priority === undefined
  )
}

/** A first attempt, as its function sees it, that nothing but its own end can end. */
class UnlimitedCall implements Call {
  readonly service: string | undefined
  readonly #options: CallOptions | undefined
  #signal: AbortSignal | undefined = undefined

  constructor(service: string | undefined, options: CallOptions | undefined) {
    this.service = service
    this.#options = options
  }

  get attempt(): number {
    return 1
  }

  get operation(): string | undefined {
    return this.#options?.operation
  }

  get signal(): AbortSignal {
    if (this.#signal === undefined) this.#signal = new AbortController().signal
    return this.#signal
  }

  remainingMs(): number {
    return Number.POSITIVE_INFINITY
  }
}
