/** Runs calls by a plan. docs/how-a-call-runs.md walks one call through execution.ts. */
import type { CallOptions, Guarded } from './call.ts'
import { executionFor } from './execution.ts'
import type { Plan } from './plan.ts'

/** Runs the calls of one pipeline. */
export class Executor<F = never> {
  readonly plan: Plan<F>

  constructor(plan: Plan<F>) {
    this.plan = plan
  }

  /** Calls the function through the guards. What goes on inside has no type; here is where it gets in and out. */
  execute<T>(fn: Guarded<T>, options?: CallOptions): Promise<Awaited<T> | F>
  execute(fn: Guarded<unknown>, options?: CallOptions): Promise<unknown> {
    return executionFor(this.plan).begin(fn, options)
  }
}
