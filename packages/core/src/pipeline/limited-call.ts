/** What can end an attempt, or a call, from outside: its time limits, and its caller. And how a call ends: once. */
import { TimeoutError } from '../errors.ts'
import type { FailureFacts, Verdict } from '../failures.ts'
import { announceTimeout } from './announce.ts'
import { type CallOptions, complaintAbout, limitOf } from './call.ts'
import { CallRecord, UNREAD } from './call-record.ts'
import type { DeadlineQueue } from './deadline.ts'
import { type AttemptOwner, RunningAttempt } from './running-attempt.ts'
import { TimeLimit, type TimeLimitOwner } from './time-limit.ts'

export abstract class LimitedCall extends CallRecord implements AttemptOwner, TimeLimitOwner {
  protected running: RunningAttempt = new RunningAttempt(this)
  readonly #totalLimit = new TimeLimit(this)
  readonly #attemptLimit = new TimeLimit(this)
  readonly #onAbort = (): void => this.#aborted(this.options?.signal?.reason)

  abstract returned(value: unknown): unknown
  abstract threw(error: unknown): unknown
  /** Another attempt, or the end. */
  protected abstract failed(error: unknown, facts: FailureFacts): unknown
  /** It waits in a queue, or for its next attempt, and does so no longer. */
  protected abstract stopWaiting(): void

  get graceDeadlines(): DeadlineQueue {
    return this.plan.graceDeadlines
  }

  /** The beginning of a call that has limits, or a caller who may give up. @returns what it ends with before it has begun */
  protected watch(options: CallOptions | undefined): Promise<never> | undefined {
    const { statistics, timeoutMs, limiter, retry } = this.plan
    if (options !== undefined) {
      const complaint = complaintAbout(options, limiter)
      if (complaint !== undefined) return Promise.reject(complaint)
      this.options = options
    }
    statistics.started++
    this.isWatched = true
    this.phase = 'entering'
    const limitMs = limitOf(options, timeoutMs)
    if (retry?.isTimed) this.startedAt = this.now()
    if (limitMs !== Number.POSITIVE_INFINITY) this.deadlineAt = this.now() + limitMs
    const signal = options?.signal
    return signal === undefined ? undefined : this.#listen(signal)
  }

  #listen(signal: AbortSignal): Promise<never> | undefined {
    if (signal.aborted) {
      this.plan.statistics.cancelled++
      return Promise.reject(signal.reason)
    }
    this.ownAnswer()
    signal.addEventListener('abort', this.#onAbort)
    return undefined
  }

  /** @returns false when a listener that was told of the admission has given up the call meanwhile */
  protected startLimits(): boolean {
    const { timed, attemptTimeoutMs, attemptDeadlines, stalls } = this.plan
    if (this.phase === 'ended') {
      this.leaveGuards('not-run')
      return false
    }
    this.phase = 'running'
    this.hasRun = true
    if (timed) this.attemptStartedAt = this.now()
    this.stalledBeforeMs = stalls.totalMs
    // Of two limits the later need not be set: before it passes, the attempt has ended.
    if (attemptDeadlines === undefined || this.now() + attemptTimeoutMs >= this.deadlineAt) {
      this.startTotalLimit()
    } else {
      this.ownAnswer()
      this.#attemptLimit.set(attemptDeadlines, this.now())
    }
    return true
  }

  protected startTotalLimit(): void {
    const { deadlineAt } = this
    if (deadlineAt === Number.POSITIVE_INFINITY || this.#totalLimit.isSet) return
    const { deadlines, totalDeadlines, timeoutMs } = this.plan
    const now = this.now()
    const isFresh = totalDeadlines !== undefined && now + timeoutMs === deadlineAt
    this.ownAnswer()
    this.#totalLimit.set(isFresh ? totalDeadlines : deadlines.queueFor(deadlineAt - now), now)
  }

  timedOut(limit: TimeLimit, now: number, stalled: boolean): void {
    this.time = now
    if (limit === this.#totalLimit) this.#totalTimedOut(now, stalled)
    else this.#attemptTimedOut(stalled)
  }

  #attemptTimedOut(stalled: boolean): void {
    const { attemptTimeoutMs, judge } = this.plan
    const error = this.#timeoutError('attempt', attemptTimeoutMs)
    const facts = judge.error(error)
    // Who was told of it may have given up the call.
    if (this.phase === 'ended') return
    const verdict = stalled || this.#isSpoilt(attemptTimeoutMs) ? 'neutral' : facts.verdict
    this.#abandon(error, verdict)
    this.failed(error, { ...facts, verdict })
  }

  #totalTimedOut(now: number, stalled: boolean): void {
    const { timeoutMs, attemptTimeoutMs } = this.plan
    const error = this.#timeoutError('total', limitOf(this.options, timeoutMs))
    if (this.phase === 'ended') return
    // An attempt that was cut short says nothing about the service; one that had had its time does.
    const endless = attemptTimeoutMs === Number.POSITIVE_INFINITY
    const hadItsTime = endless || now - this.attemptStartedAt >= 0.9 * attemptTimeoutMs
    const isProof = hadItsTime && !stalled && !this.#isSpoilt(now - this.attemptStartedAt)
    this.#giveUp(error, isProof ? 'failure' : 'neutral')
    this.fail(error, 'failed')
  }

  /** Whether our own event loop stood still for so much of the attempt that its silence proves nothing. */
  #isSpoilt(durationMs: number): boolean {
    return this.plan.stalls.spoilt(this.stalledBeforeMs, durationMs)
  }

  #timeoutError(scope: 'attempt' | 'total', timeoutMs: number): TimeoutError {
    this.plan.statistics.timeouts++
    announceTimeout(this.plan, this, scope, timeoutMs)
    const cause = this.attempts?.at(-1)?.error
    return new TimeoutError(this, { scope, timeoutMs, started: this.hasRun, cause })
  }

  #aborted(reason: unknown): void {
    this.time = UNREAD
    this.#giveUp(reason, 'neutral')
    if (this.end()) this.plan.statistics.cancelled++
    this.answer?.reject(reason)
  }

  #giveUp(reason: unknown, verdict: Verdict): void {
    if (this.phase === 'running') this.#abandon(reason, verdict)
    else this.stopWaiting()
  }

  /** The function may run on, but nobody waits for it any more; its slot stays taken for a while. */
  #abandon(reason: unknown, verdict: Verdict): void {
    const { slot, running } = this
    this.slot = undefined
    this.running = new RunningAttempt(this)
    running.detach(slot, this.plan.clock)
    this.endAttempt(verdict, reason)
    running.abort(reason)
  }

  /** The attempt is over. Whoever gives up the call from now on, a hook that judges it too, has no attempt to end. */
  protected settling(): void {
    if (this.answer !== undefined && this.phase !== 'ended') this.phase = 'settling'
  }

  protected endAttempt(verdict: Verdict, error?: unknown): void {
    this.settling()
    if (this.answer !== undefined && this.#attemptLimit.isSet) this.#attemptLimit.cancel()
    this.leaveGuards(verdict, error)
  }

  /** Outermost first: the circuit must have learnt of a failure before the gate hands the slot to the next call. */
  protected leaveGuards(verdict: Verdict, error?: unknown): void {
    const { circuit, gate, latency } = this.plan
    if (latency !== undefined && (verdict === 'success' || verdict === 'failure')) {
      latency.record(this.durationMs(), this.now())
    }
    circuit?.exit(this, verdict, error)
    gate?.exit(this, verdict)
  }

  protected fail(error: unknown, ending: 'failed' | 'refused'): unknown {
    const { fallback, statistics } = this.plan
    const substitutes = fallback?.handles(error)
    if (this.end()) statistics[ending]++
    if (fallback !== undefined && substitutes) {
      const { service, operation, attempt } = this
      return this.resolve(fallback.substitute(error, { service, operation, attempt }))
    }
    if (this.answer === undefined) throw error
    this.answer.reject(error)
    return undefined
  }

  protected resolve(value: unknown): unknown {
    if (this.answer === undefined) return value
    this.answer.resolve(value)
    return undefined
  }

  /** @returns whether it had not ended before */
  protected end(): boolean {
    if (this.phase === 'ended') return false
    this.phase = 'ended'
    if (this.#attemptLimit.isSet) this.#attemptLimit.cancel()
    if (this.#totalLimit.isSet) this.#totalLimit.cancel()
    this.options?.signal?.removeEventListener('abort', this.#onAbort)
    return true
  }
}
