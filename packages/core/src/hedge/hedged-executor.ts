import { type CallOptions, complaintAbout, type Guarded, limitOf, noFunction } from '../pipeline/call.ts'
import { Executor } from '../pipeline/executor.ts'
import type { Plan } from '../pipeline/plan.ts'
import { RetryBudget } from '../retry/retry-budget.ts'
import { type HedgeOptions, HedgePolicy, type Run } from './hedge-policy.ts'

const NO_OPTIONS: CallOptions = {}

/** Runs the calls of a pipeline that hedges: those that may be made twice. */
export class HedgedExecutor<F = never> {
  readonly plan: Plan<F>
  readonly #first: Executor<never>
  readonly #second: Executor<never>
  readonly #policy: HedgePolicy

  /** @param options checked already */
  constructor(plan: Plan<F>, options: HedgeOptions) {
    const { fallback: _, ...parts } = plan
    const budget = plan.retryBudget ?? new RetryBudget()
    this.plan = plan
    this.#first = new Executor<never>({ ...parts, fallback: undefined })
    // The first call does the retrying.
    this.#second = new Executor<never>({ ...parts, fallback: undefined, retry: undefined })
    this.#policy = new HedgePolicy(options, budget, plan)
  }

  execute<T>(fn: Guarded<T>, options?: CallOptions): Promise<Awaited<T> | F>
  execute(fn: Guarded<unknown>, options: CallOptions = NO_OPTIONS): Promise<unknown> {
    const { fallback, service, limiter } = this.plan
    // What makes no sense is told before anything is called, and no substitute hides it.
    const complaint = typeof fn === 'function' ? complaintAbout(options, limiter) : noFunction(fn)
    if (complaint !== undefined) return Promise.reject(complaint)
    const answer = this.#mayHedge(options)
      ? this.#policy.execute(
          (own) => this.#first.execute(fn, own),
          this.#within(options, (own) => this.#second.execute(fn, own)),
          options,
        )
      : this.#first.execute(fn, options)
    if (fallback === undefined) return answer
    return answer.catch((error: unknown) => {
      if (options.signal?.aborted || !fallback.handles(error)) throw error
      return fallback.substitute(error, { service, operation: options.operation, attempt: 1 })
    })
  }

  /** The second call has what the first has left: the limit is of both together. */
  #within(options: CallOptions, second: Run): Run {
    const { clock, timeoutMs } = this.plan
    const limitMs = limitOf(options, timeoutMs)
    if (limitMs === Number.POSITIVE_INFINITY) return second
    const deadlineAt = clock.now() + limitMs
    return (own) => second({ ...own, deadlineMs: Math.max(1, deadlineAt - clock.now()) })
  }

  #mayHedge({ idempotent = this.plan.retry?.assumesIdempotent ?? false }: CallOptions): boolean {
    return idempotent
  }
}
