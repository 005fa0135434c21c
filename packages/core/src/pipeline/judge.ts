import type { Clock } from '../clock.ts'
import { guardHook, type HookErrorReporter } from '../events.ts'
import { describeFailure, type FailureFacts, type Verdict } from '../failures.ts'

/** What an outcome says about the service: one verdict an attempt, used by every guard, the retry and the statistics. */
export class Judge {
  readonly #isFailure: ((error: unknown) => boolean) | undefined
  readonly #isFailureResult: ((value: unknown) => boolean) | undefined
  readonly #clock: Clock
  readonly #report: HookErrorReporter

  constructor(options: {
    readonly isFailure?: ((error: unknown) => boolean) | undefined
    readonly isFailureResult?: ((value: unknown) => boolean) | undefined
    readonly clock: Clock
    readonly report: HookErrorReporter
  }) {
    this.#isFailure = options.isFailure
    this.#isFailureResult = options.isFailureResult
    this.#clock = options.clock
    this.#report = options.report
  }

  /** Whether a returned value may be a failure. */
  get judgesResults(): boolean {
    return this.#isFailureResult !== undefined
  }

  /** Facts about an error, with the user's own idea of a failure where there is one. */
  error(error: unknown): FailureFacts {
    const facts = describeFailure(error, this.#clock)
    const isFailure = this.#isFailure
    if (isFailure === undefined || facts.kind === 'ours' || facts.kind === 'cancelled') return facts
    const failed = guardHook<boolean | undefined>(() => isFailure(error), 'isFailure', this.#report, undefined)
    if (failed === undefined) return facts
    if (failed) return { ...facts, verdict: 'failure' }
    return facts.verdict === 'neutral' ? facts : { ...facts, verdict: 'success' }
  }

  /** Whether a returned value counts as a success. */
  result(value: unknown): Verdict {
    const isFailureResult = this.#isFailureResult
    if (isFailureResult === undefined) return 'success'
    const failed = guardHook(() => isFailureResult(value), 'isFailureResult', this.#report, false)
    return failed ? 'failure' : 'success'
  }
}
