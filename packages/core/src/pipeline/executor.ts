/** Runs calls by a plan. docs/how-a-call-runs.md walks one call through execution.ts. */
import type { CallOptions, Guarded } from './call.ts'
import { type Execution, executionFor } from './execution.ts'
import type { Plan } from './plan.ts'

/** Runs the calls of one pipeline. */
export class Executor<F = never> {
  readonly plan: Plan<F>
  /** The record of a call that has ended, for the next call. Calls that overlap take theirs from all executors together. */
  spare: Execution | undefined = undefined
  #hasCalled = false

  constructor(plan: Plan<F>) {
    this.plan = plan
  }

  /** Calls the function through the guards. What goes on inside has no type; here is where it gets in and out. */
  execute<T>(fn: Guarded<T>, options?: CallOptions): Promise<Awaited<T> | F>
  execute(fn: Guarded<unknown>, options?: CallOptions): Promise<unknown> {
    const spare = this.spare
    if (spare !== undefined) {
      this.spare = undefined
      return spare.begin(fn, options)
    }
    // Who makes one call and no other, as `retry(fn)` does, must not keep its record.
    const execution = executionFor(this.plan, this.#hasCalled ? this : undefined)
    this.#hasCalled = true
    return execution.begin(fn, options)
  }
}
