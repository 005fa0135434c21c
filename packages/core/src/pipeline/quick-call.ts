/** The quick way of a call: admitted at once, answered, done. */
import type { ClientKey } from '../rate-limiter/key-hash.ts'
import type { Call, CallOptions, Guarded } from './call.ts'
import type { GuardMarks, Slot } from './guard.ts'
import type { Plan } from './plan.ts'

/** What becomes of a call that does not end well: an execution goes on with it. */
export interface Successor {
  /** @returns what the handler of the attempt returns @throws what it throws */
  failed(call: QuickCall, fn: Guarded<unknown>, options: CallOptions | undefined, error: unknown): unknown
  /** The same for a function that has thrown and returned no promise. */
  threw(call: QuickCall, fn: Guarded<unknown>, options: CallOptions | undefined, error: unknown): Promise<unknown>
}

/**
 * A call that nothing can end early and that did not have to wait needs no record of its own: if it succeeds, all there is
 * to do is to tell the guards. Every plan has one such call, used again and again, for calls that follow one another;
 * whatever else happens is the business of an execution, which goes on as if it had been there from the beginning. What
 * this saves is a third of what guarding a call costs (bench: `breaker`, `retry`, `bulkhead`).
 */
export class QuickCall implements GuardMarks {
  isFree = true
  circuitGeneration = 0
  circuitProbe = -1
  slot: Slot | undefined = undefined
  readonly plan: Plan<unknown>
  readonly #successor: Successor
  #fn: Guarded<unknown> | undefined = undefined
  #options: CallOptions | undefined = undefined

  constructor(plan: Plan<unknown>, successor: Successor) {
    this.plan = plan
    this.#successor = successor
  }

  get client(): ClientKey | undefined {
    return this.#options?.client
  }

  get cost(): number {
    return 1
  }

  now(): number {
    return this.plan.clock.now()
  }

  /** Runs the function if it is admitted at once. @returns its answer; undefined when it was not admitted */
  run(fn: Guarded<unknown>, options: CallOptions | undefined): Promise<unknown> | undefined {
    const { circuit, gate, statistics, service } = this.plan
    this.#options = options
    if (circuit !== undefined && !circuit.enterAtOnce(this)) return undefined
    if (gate !== undefined && !gate.enterAtOnce(this)) {
      circuit?.exit(this, 'not-run')
      return undefined
    }
    this.isFree = false
    this.#fn = fn
    statistics.started++
    let value: unknown
    try {
      value = fn(new UnlimitedCall(service, options))
    } catch (error) {
      return this.#successor.threw(this, this.#free(fn), options, error)
    }
    return (value instanceof Promise ? value : Promise.resolve(value)).then(this.#onFulfilled, this.#onRejected)
  }

  /** Made once: two closures a call, and what they close over, would cost as much as all the guards together. */
  readonly #onFulfilled = (value: unknown): unknown => {
    const { circuit, gate, statistics } = this.plan
    circuit?.exit(this, 'success')
    gate?.exit(this, 'success')
    statistics.succeeded++
    this.#fn = undefined
    this.#options = undefined
    this.isFree = true
    return value
  }

  readonly #onRejected = (error: unknown): unknown => {
    const options = this.#options
    const fn = this.#fn
    if (fn === undefined) throw error
    return this.#successor.failed(this, this.#free(fn), options, error)
  }

  #free(fn: Guarded<unknown>): Guarded<unknown> {
    this.#fn = undefined
    this.#options = undefined
    this.isFree = true
    return fn
  }
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
