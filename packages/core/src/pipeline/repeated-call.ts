/** What follows a failure or a refusal: another attempt after a delay, or the end. */
import { isRejection, type RefusalError, RetriesExhaustedError } from '../errors.ts'
import type { FailureFacts } from '../failures.ts'
import type { RetryDecision } from '../retry/retry-policy.ts'
import { announceRefusal, announceRetry } from './announce.ts'
import { rejectSoon } from './answer.ts'
import type { Guarded } from './call.ts'
import { UNREAD } from './call-record.ts'
import { Deadline } from './deadline.ts'
import { WaitingCall } from './waiting-call.ts'

export abstract class RepeatedCall extends WaitingCall {
  readonly #backoff = new Deadline({ due: (_deadline, now) => this.#backoffEnded(now) })

  /** Nobody can hold its record any more. */
  protected abstract release(): void

  /** What this returns or throws, the handlers of the attempt do. */
  protected failed(error: unknown, facts: FailureFacts, isResult = false): unknown {
    // A listener that was told of the outcome may have given up the call, and so may a predicate that is asked.
    if (this.hasEnded) return undefined
    const decision = this.#decide(error, facts, isResult)
    if (this.hasEnded) return undefined
    if ('delayMs' in decision) return this.#backOff(error, facts, decision.delayMs)
    const { stop: reason, retryAfterMs } = decision
    if (reason !== 'not-retryable') {
      const { service, operation, attempt } = this
      this.plan.retry?.announceEnd({ service, operation, attempt, error }, reason, facts)
    }
    if (isResult) {
      if (this.end()) this.plan.statistics.failed++
      return this.resolve(error)
    }
    if (reason === 'not-retryable') return this.fail(error, isRejection(error) ? 'refused' : 'failed')
    const attempts = this.record(error, 0)
    return this.fail(new RetriesExhaustedError(this, { attempts, reason, cause: error, retryAfterMs }), 'failed')
  }

  #decide(error: unknown, facts: FailureFacts, isResult: boolean): RetryDecision {
    const { retry, wouldRefuseAt, retryBudget, gate } = this.plan
    if (retry === undefined) return { stop: 'not-retryable' }
    return retry.decide({
      attempt: this.attempt,
      error,
      facts,
      isResult,
      idempotent: this.options?.idempotent,
      startedAt: this.startedAt,
      now: this.now(),
      deadlineAt: this.deadlineAt,
      previousDelayMs: this.attempts?.at(-1)?.delayMs,
      expectedMs: gate?.expectedMs(this.operation, this.now()) ?? 0,
      wouldRefuseAt: wouldRefuseAt && ((time) => wouldRefuseAt(time, this.priority)),
      budget: retryBudget,
    })
  }

  #backOff(error: unknown, facts: FailureFacts, delayMs: number): unknown {
    const isFirst = this.answer === undefined
    const { promise } = this.ownAnswer()
    this.record(error, delayMs)
    this.phase = 'backing-off'
    this.plan.deadlines.queueFor(delayMs).add(this.#backoff, this.now())
    announceRetry(this.plan, this, { error, facts, delayMs })
    return isFirst ? promise : undefined
  }

  #backoffEnded(now: number): void {
    this.attempt++
    this.plan.statistics.retries++
    this.phase = 'entering'
    this.time = now
    if (this.fn !== undefined) void this.enter(this.fn)
  }

  protected override stopWaiting(): void {
    if (this.phase === 'backing-off') this.#backoff.cancel()
    else super.stopWaiting()
  }

  /** A guard has said no. That is no outcome, and only tried again where the caller wants that. */
  protected refuse(refusal: RefusalError, fn: Guarded<unknown> | undefined): Promise<unknown> {
    const { retry, fallback, judge, statistics } = this.plan
    announceRefusal(this.plan, this, refusal)
    const wanted = retry?.wantsRefusal(refusal) === true
    if (this.answer === undefined && fallback === undefined && !wanted) {
      statistics.refused++
      this.release()
      return rejectSoon(refusal)
    }
    const { promise } = this.ownAnswer()
    if (this.phase === 'ended') return promise
    this.attemptStartedAt = UNREAD
    this.fn = fn
    if (wanted) this.failed(refusal, judge.error(refusal))
    else if (this.attempts === undefined) this.fail(refusal, 'refused')
    else this.fail(this.#exhaustedBy(refusal, this.attempts.at(-1)?.error), 'failed')
    return promise
  }

  #exhaustedBy(refusal: RefusalError, cause: unknown): RetriesExhaustedError {
    const { retryAfterMs } = refusal
    const attempts = this.record(refusal, 0)
    return new RetriesExhaustedError(this, { attempts, reason: 'refused', cause, retryAfterMs })
  }
}
