import { guardHook, type HookErrorReporter } from '../events.ts'
import { callback, type Rules } from '../options.ts'
import type { Call } from '../pipeline/call.ts'
import { notThenable } from '../pipeline/thenable.ts'

/** What to answer when everything else has failed. */
export interface FallbackOptions<F> {
  /** Makes the substitute. May be async. When it fails too, both errors are thrown in an `AggregateError`. */
  readonly use: (error: unknown, call: Pick<Call, 'service' | 'operation' | 'attempt'>) => F | PromiseLike<F>
  /** For which errors. Default: every one. A call that its caller gave up never falls back. */
  readonly when?: ((error: unknown) => boolean) | undefined
}

/** The rules that {@link FallbackOptions} are held to. */
export const FALLBACK_RULES: Rules<FallbackOptions<unknown>> = { use: callback, when: callback }

/** A checked fallback. */
export class FallbackPolicy<F> {
  readonly #options: FallbackOptions<F>
  readonly #report: HookErrorReporter

  constructor(options: FallbackOptions<F>, report: HookErrorReporter) {
    this.#options = options
    this.#report = report
  }

  /** Whether there is a substitute for a call that failed so. */
  handles(error: unknown): boolean {
    const { when } = this.#options
    return when === undefined || guardHook(() => when(error), 'fallback.when', this.#report, false)
  }

  /** For a call that does not wait. */
  substituteSync(error: unknown, call: Pick<Call, 'service' | 'operation' | 'attempt'>): F {
    try {
      return notThenable<F>(this.#options.use(error, call), 'executeSync: the fallback', 'execute()')
    } catch (fallbackError) {
      throw bothFailed(error, fallbackError)
    }
  }

  async substitute(error: unknown, call: Pick<Call, 'service' | 'operation' | 'attempt'>): Promise<F> {
    try {
      return await this.#options.use(error, call)
    } catch (fallbackError) {
      throw bothFailed(error, fallbackError)
    }
  }
}

function bothFailed(error: unknown, fallbackError: unknown): AggregateError {
  return new AggregateError([error, fallbackError], 'the call failed, and so did its fallback; see errors')
}
