/** Whether and when a failed attempt is followed by another. No promises, no waiting: only the decision. */
import type { Random } from '../clock.ts'
import type { RetryStopReason } from '../errors.ts'
import { guardHook, type HookErrorReporter, type Logger, tellHook } from '../events.ts'
import { codesOf, type FailureFacts } from '../failures.ts'
import { read } from '../headers.ts'
import { type Backoff, backoffDelayMs } from './backoff.ts'
import type { RetryBudget } from './retry-budget.ts'
import type { ErrorClass, RetryNotice, RetryOn, RetrySettings } from './retry-options.ts'

/** What the decision is made from. */
export interface FailedAttempt {
  /** Number of the attempt that failed, from 1. */
  readonly attempt: number
  readonly error: unknown
  readonly facts: FailureFacts
  /** Whether the failure is a returned value: the user has already said that it is one. */
  readonly isResult: boolean
  /** Whether the caller said that it may be repeated. */
  readonly idempotent: boolean | undefined
  /** When the first attempt began, and what time it is, on the monotonic scale. */
  readonly startedAt: number
  readonly now: number
  /** When the whole call must be done; Infinity without a limit. */
  readonly deadlineAt: number
  readonly previousDelayMs: number | undefined
  /** How long an attempt is expected to take, in milliseconds; 0 when nobody knows. */
  readonly expectedMs: number
  /** Whether a guard would refuse another attempt at that time anyway. */
  readonly wouldRefuseAt: ((time: number) => boolean) | undefined
  /** What pays for another attempt. */
  readonly budget: RetryBudget | undefined
}

/** Wait so long and try again, or stop and why; `not-retryable` errors reach the caller as they are. */
export type RetryDecision =
  | { readonly delayMs: number }
  | { readonly stop: RetryStopReason | 'not-retryable'; readonly retryAfterMs?: number | undefined }

/** Checked settings of a retry. */
export class RetryPolicy {
  readonly maxRetries: number
  readonly #backoff: Backoff
  readonly #maxElapsedMs: number = 0
  readonly #retryOn: readonly RetryOn[] | undefined
  readonly #assumeIdempotent: boolean
  readonly #onRetry: ((notice: RetryNotice) => void) | undefined
  readonly #logger: Logger | undefined
  readonly #random: Random
  readonly #report: HookErrorReporter

  /** @param settings checked already */
  constructor(settings: RetrySettings, random: Random, report: HookErrorReporter) {
    this.maxRetries = settings.maxRetries ?? 3
    this.#backoff = {
      baseDelayMs: settings.baseDelayMs ?? 1_000,
      maxDelayMs: settings.maxDelayMs ?? 60_000,
      jitter: settings.jitter ?? 'full',
    }
    this.#maxElapsedMs = settings.maxElapsedMs ?? Number.POSITIVE_INFINITY
    this.#retryOn = settings.retryOn
    this.#assumeIdempotent = settings.assumeIdempotent ?? true
    this.#onRetry = settings.onRetry
    this.#logger = settings.logger
    this.#random = random
    this.#report = report
  }

  /** Whether a call that does not say is taken to be idempotent. */
  get assumesIdempotent(): boolean {
    return this.#assumeIdempotent
  }

  /** Whether it must know when a call began. */
  get isTimed(): boolean {
    return this.#maxElapsedMs !== Number.POSITIVE_INFINITY
  }

  /** The first "no" ends the call: retryable, repeatable, attempts left, time left, circuit willing, budget not spent. */
  decide(failed: FailedAttempt): RetryDecision {
    const { facts, attempt, now, startedAt, deadlineAt } = failed
    if (this.maxRetries === 0 || !this.#isRetryable(failed) || !this.#isRepeatable(failed)) {
      return { stop: 'not-retryable' }
    }
    const { retryAfterMs } = facts
    if (attempt > this.maxRetries) return { stop: 'max-retries', retryAfterMs }
    const delayMs = this.#delayMs(failed)
    if (now + delayMs - startedAt > this.#maxElapsedMs) return { stop: 'max-elapsed', retryAfterMs }
    if (now + delayMs + failed.expectedMs >= deadlineAt) return { stop: 'deadline', retryAfterMs }
    if (failed.wouldRefuseAt?.(now + delayMs)) return { stop: 'circuit-open', retryAfterMs }
    if (failed.budget?.tryTake(isTimeout(facts)) === false) return { stop: 'retry-budget', retryAfterMs }
    return { delayMs }
  }

  /** Whether the user's whitelist names this refusal of our own; by default none is retried. */
  wantsRefusal(error: unknown): boolean {
    return this.#retryOn !== undefined && this.#isListed(error, this.#retryOn)
  }

  /** Tells the hook and the logger that another attempt follows. */
  announceRetry(notice: RetryNotice, facts: FailureFacts): void {
    const { service, operation, attempt, delayMs } = notice
    tellHook(() => this.#onRetry?.(notice), 'onRetry', this.#report)
    const record = { event: 'retry', service, operation, attempt, delayMs: Math.round(delayMs), ...logged(facts) }
    tellHook(() => this.#logger?.warn(record, 'attempt failed, retrying'), 'logger', this.#report)
  }

  /** Tells the logger that no further attempt follows. */
  announceEnd(notice: Omit<RetryNotice, 'delayMs'>, reason: RetryStopReason, facts: FailureFacts): void {
    const { service, operation, attempt } = notice
    const record = { event: 'retries-exhausted', service, operation, attempt, delayMs: 0, reason, ...logged(facts) }
    tellHook(() => this.#logger?.error(record, 'attempt failed, giving up'), 'logger', this.#report)
  }

  #delayMs({ attempt, previousDelayMs, facts, now, deadlineAt }: FailedAttempt): number {
    // Whoever has little time does not sleep it away: all attempts that are left get an equal share of it.
    const shareMs = Math.max(0, deadlineAt - now) / (this.maxRetries - attempt + 2)
    const maxDelayMs = Math.min(this.#backoff.maxDelayMs, shareMs)
    const delayMs = backoffDelayMs({ ...this.#backoff, maxDelayMs }, attempt, previousDelayMs, this.#random)
    return Math.max(delayMs, Math.min(facts.retryAfterMs ?? 0, this.#backoff.maxDelayMs))
  }

  #isRetryable({ error, facts, isResult }: FailedAttempt): boolean {
    if (isResult) return true
    return this.#retryOn === undefined ? facts.transient : this.#isListed(error, this.#retryOn)
  }

  /** What may have happened, given up included, is repeated only if that does no harm; what cannot be done again says so itself. */
  #isRepeatable({ idempotent = this.#assumeIdempotent, facts: { kind }, error }: FailedAttempt): boolean {
    const mayHaveHappened = kind === 'may-have-happened' || kind === 'cancelled'
    return (idempotent || !mayHaveHappened) && read(error, 'retryable') !== false
  }

  #isListed(error: unknown, retryOn: readonly RetryOn[]): boolean {
    const codes = codesOf(error)
    return retryOn.some((entry) => {
      if (typeof entry !== 'function') return codes.has(entry)
      if (isErrorClass(entry)) return error instanceof entry
      return guardHook(() => entry(error), 'retryOn', this.#report, false)
    })
  }
}

function isErrorClass(entry: ErrorClass | ((error: unknown) => boolean)): entry is ErrorClass {
  return Object.is(entry, Error) || entry.prototype instanceof Error
}

/** What ran out of time has kept a worker of the service busy, and so costs more to repeat. */
export function isTimeout(facts: FailureFacts): boolean {
  return facts.code === 'HOLDFAST_TIMEOUT' || facts.code === 'ETIMEDOUT'
}

/** Codes only: messages of SDKs may carry keys in their URLs. */
function logged(facts: FailureFacts): object {
  const { code, status, kind } = facts
  return { errorCode: code ?? (status === undefined ? undefined : `HTTP_${status}`), status, kind }
}
