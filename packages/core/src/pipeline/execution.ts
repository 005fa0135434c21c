/**
 * How a call runs, top to bottom: admitted by the guards, run, told to the guards, tried again or ended. There is one way
 * for all patterns; no wrapper is nested in another. docs/how-a-call-runs.md walks one call through this file.
 */

import type { Parking } from '../circuit-breaker/parking.ts'
import type { ShardCall } from '../circuit-breaker/shards.ts'
import { type AttemptRecord, isRejection, type RefusalError, RetriesExhaustedError, TimeoutError } from '../errors.ts'
import { describeFailure, type FailureFacts, type Verdict } from '../failures.ts'
import type { Priority } from '../gate/priority.ts'
import type { QueuePlace } from '../gate/queue-place.ts'
import type { ClientKey } from '../rate-limiter/key-hash.ts'
import type { RetryDecision } from '../retry/retry-policy.ts'
import { announceRefusal, announceRetry, announceTimeout } from './announce.ts'
import { Answer, rejectSoon } from './answer.ts'
import { type CallOptions, complaintAbout, type Guarded, limitOf } from './call.ts'
import { Deadline, type DeadlineQueue } from './deadline.ts'
import { type GuardedCall, type Slot, WAITING } from './guard.ts'
import type { Plan } from './plan.ts'
import { type AttemptOwner, RunningAttempt } from './running-attempt.ts'
import { TimeLimit, type TimeLimitOwner } from './time-limit.ts'

/** The clock has not been read in this phase. */
const UNREAD = Number.NEGATIVE_INFINITY

/** Executions whose calls have ended, to be used again: what they are made of is most of what a call would allocate. */
const spares: Execution[] = []
const MOST_SPARES = 1_000

/** Who keeps one of them for its next call. */
interface Home {
  spare: Execution | undefined
}

/** What a call runs in. */
export function executionFor(plan: Plan<unknown>, home: Home | undefined): Execution {
  const execution = spares.pop() ?? new Execution(plan)
  execution.serve(plan, home)
  return execution
}

/** One call from beginning to end. It is also what the guards write their marks on. */
export class Execution implements GuardedCall, AttemptOwner, TimeLimitOwner {
  attempt = 1
  deadlineAt: number = Number.POSITIVE_INFINITY
  circuitGeneration = 0
  circuitProbe = -1
  circuitShard: ShardCall | undefined = undefined
  shardGeneration = 0
  parking: Parking | undefined = undefined
  readonly mayPark = true
  admittedAt = -1
  slot: Slot | undefined = undefined
  queue: QueuePlace | undefined = undefined

  #plan: Plan<unknown>
  #home: Home | undefined = undefined
  #fn: Guarded<unknown> | undefined = undefined
  #options: CallOptions | undefined = undefined
  /** Where a call is that has a promise of its own; one that has none cannot be ended from outside. */
  #phase: 'entering' | 'parked' | 'waiting' | 'running' | 'settling' | 'backing-off' | 'ended' = 'entering'
  #answer: Answer | undefined = undefined
  /** Whether there is anything that may end it from outside, or anybody who wants to know its times. */
  #isWatched = false
  #time = UNREAD
  #startedAt = UNREAD
  #attemptStartedAt = UNREAD
  /** How long our own event loop had stood still when the attempt began. */
  #stalledBeforeMs = 0
  #hasRun = false
  #attempts: AttemptRecord[] | undefined = undefined
  #running = new RunningAttempt(this)
  readonly #totalLimit = new TimeLimit(this)
  readonly #attemptLimit = new TimeLimit(this)
  readonly #backoff = new Deadline({ due: (_deadline, now) => this.#backoffEnded(now) })
  readonly #onAbort = (): void => this.#aborted(this.#options?.signal?.reason)

  constructor(plan: Plan<unknown>) {
    this.#plan = plan
  }

  get service(): string | undefined {
    return this.#plan.service
  }

  get operation(): string | undefined {
    return this.#options?.operation
  }

  get client(): ClientKey | undefined {
    return this.#options?.client
  }

  get cost(): number {
    return this.#options?.cost ?? 1
  }

  get key(): string | undefined {
    return this.#options?.key
  }

  get priority(): Priority {
    return this.#options?.priority ?? 'normal'
  }

  get graceDeadlines(): DeadlineQueue {
    return this.#plan.graceDeadlines
  }

  remainingMs(): number {
    return Math.max(0, this.deadlineAt - this.#plan.clock.now())
  }

  /** The clock is read once in a phase, and only when somebody needs it. */
  now(): number {
    if (this.#time === UNREAD) this.#time = this.#plan.reading.now()
    return this.#time
  }

  durationMs(): number {
    return this.now() - this.#attemptStartedAt
  }

  serve(plan: Plan<unknown>, home: Home | undefined): void {
    this.#plan = plan
    this.#home = home
  }

  // 1. Begin.

  begin(fn: Guarded<unknown>, options: CallOptions | undefined): Promise<unknown> {
    const { timed, statistics } = this.#plan
    if (timed || options !== undefined) return this.#beginWatched(fn, options)
    statistics.started++
    return this.#enter(fn)
  }

  /** The beginning of a call that has limits, or a caller who may give up. */
  #beginWatched(fn: Guarded<unknown>, options: CallOptions | undefined): Promise<unknown> {
    const { statistics, timeoutMs, limiter, retry } = this.#plan
    if (options !== undefined) {
      const complaint = complaintAbout(options, limiter)
      if (complaint !== undefined) return Promise.reject(complaint)
      this.#options = options
    }
    statistics.started++
    this.#isWatched = true
    this.#phase = 'entering'
    const limitMs = limitOf(options, timeoutMs)
    if (retry?.isTimed) this.#startedAt = this.now()
    if (limitMs !== Number.POSITIVE_INFINITY) this.deadlineAt = this.now() + limitMs
    const signal = options?.signal
    if (signal !== undefined) {
      if (signal.aborted) {
        statistics.cancelled++
        return Promise.reject(signal.reason)
      }
      this.ownAnswer()
      signal.addEventListener('abort', this.#onAbort)
    }
    return this.#enter(fn)
  }

  // 2. Admission: the circuit, then the gate; a call that has to wait holds nothing meanwhile.

  #enter(fn: Guarded<unknown>): Promise<unknown> {
    const { circuit, gate, throttle } = this.#plan
    if (throttle !== undefined) {
      const refusal = throttle.enter(this)
      if (refusal !== undefined) return this.#refuse(refusal, fn)
    }
    if (circuit !== undefined) {
      const admission = circuit.enter(this)
      if (admission !== undefined) {
        return admission === WAITING ? this.#wait('parked', fn) : this.#refuse(admission, fn)
      }
    }
    if (gate !== undefined) {
      const admission = gate.enter(this)
      if (admission !== undefined) {
        circuit?.exit(this, 'not-run')
        return admission === WAITING ? this.#wait('waiting', fn) : this.#refuse(admission, fn)
      }
    }
    return this.#run(fn)
  }

  /** Parked by the circuit, or waiting at the gate. */
  #wait(where: 'parked' | 'waiting', fn: Guarded<unknown>): Promise<unknown> {
    const answer = this.ownAnswer()
    if (this.#phase === 'ended') {
      this.#leaveQueue(where)
    } else {
      this.#phase = where
      this.#fn = fn
      this.#startTotalLimit()
    }
    return answer.promise
  }

  #leaveQueue(where: 'parked' | 'waiting'): void {
    if (where === 'parked') this.#plan.circuit?.leave(this)
    else this.#plan.gate?.leave(this)
  }

  /** What it waited for is there; but meanwhile the circuit may have opened. */
  admitted(now: number): void {
    const { circuit, gate } = this.#plan
    this.#time = now
    this.#phase = 'entering'
    const admission = circuit?.enter(this)
    if (this.#fn === undefined) return
    if (admission === undefined) {
      void this.#run(this.#fn)
      return
    }
    gate?.exit(this, 'not-run')
    if (admission === WAITING) void this.#wait('parked', this.#fn)
    else void this.#refuse(admission, this.#fn)
  }

  /** The circuit had let it wait, and it asks once more. */
  reenter(now: number): void {
    this.#time = now
    this.#phase = 'entering'
    if (this.#fn !== undefined) void this.#enter(this.#fn)
  }

  /** The circuit may refuse it by now; then it need not wait any longer. */
  askAgain(now: number): void {
    const { circuit, gate } = this.#plan
    this.#time = now
    const admission = circuit?.enter(this)
    if (admission === undefined) {
      circuit?.exit(this, 'not-run')
      return
    }
    gate?.leave(this)
    if (admission !== WAITING) void this.#refuse(admission, this.#fn)
    else if (this.#fn !== undefined) void this.#wait('parked', this.#fn)
  }

  refused(refusal: RefusalError, now: number): void {
    this.#time = now
    void this.#refuse(refusal, this.#fn)
  }

  // 3. Run one attempt, under its own time limit.

  #run(fn: Guarded<unknown>): Promise<unknown> {
    this.#fn = fn
    if (this.#isWatched && !this.#startLimits()) return this.ownAnswer().promise
    const running = this.#running
    let settled: Promise<unknown>
    try {
      // A thenable is taken by Promise.resolve, once; a promise as it is.
      const value = fn(running.call(this))
      settled = (value instanceof Promise ? value : Promise.resolve(value)).then(
        running.onFulfilled,
        running.onRejected,
      )
    } catch (error) {
      const { promise } = this.ownAnswer()
      running.onRejected(error)
      return promise
    }
    return this.#answer === undefined ? settled : this.#answer.promise
  }

  /** @returns false when a listener that was told of the admission has given up the call meanwhile */
  #startLimits(): boolean {
    const { timed, attemptTimeoutMs, attemptDeadlines, stalls } = this.#plan
    if (this.#phase === 'ended') {
      this.#leaveGuards('not-run')
      return false
    }
    this.#phase = 'running'
    this.#hasRun = true
    if (timed) this.#attemptStartedAt = this.now()
    this.#stalledBeforeMs = stalls.totalMs
    // Of two limits the later need not be set: before it passes, the attempt has ended.
    if (attemptDeadlines === undefined || this.now() + attemptTimeoutMs >= this.deadlineAt) {
      this.#startTotalLimit()
    } else {
      this.ownAnswer()
      this.#attemptLimit.set(attemptDeadlines, this.now())
    }
    return true
  }

  #startTotalLimit(): void {
    const { deadlineAt } = this
    if (deadlineAt === Number.POSITIVE_INFINITY || this.#totalLimit.isSet) return
    const { deadlines, totalDeadlines, timeoutMs } = this.#plan
    const now = this.now()
    const isFresh = totalDeadlines !== undefined && now + timeoutMs === deadlineAt
    this.ownAnswer()
    this.#totalLimit.set(isFresh ? totalDeadlines : deadlines.queueFor(deadlineAt - now), now)
  }

  // 4. The outcome: one verdict, told to every guard. What these return or throw, the handlers of the attempt do.

  returned(value: unknown): unknown {
    const { looksAtResults, statistics } = this.#plan
    this.#time = UNREAD
    if (looksAtResults) {
      const verdict = this.#lookAt(value)
      if (verdict !== 'success') return this.#returnedFailure(value, verdict)
    }
    const answer = this.#answer
    if (answer !== undefined) return this.#succeed(answer, value)
    this.#leaveGuards('success')
    statistics.succeeded++
    this.#spare()
    return value
  }

  #lookAt(value: unknown): Verdict {
    const { judge, learner, retryBudget, throttle } = this.#plan
    if (learner !== undefined) learner.learnFrom(value)
    const verdict = judge.result(value)
    if (verdict !== 'success') return verdict
    if (retryBudget !== undefined) retryBudget.earn()
    if (throttle !== undefined) throttle.accepted(this.now())
    return verdict
  }

  #succeed(answer: Answer, value: unknown): void {
    this.#endAttempt('success')
    if (this.#end()) this.#plan.statistics.succeeded++
    answer.resolve(value)
    this.#spare()
  }

  #returnedFailure(value: unknown, verdict: Verdict): unknown {
    const facts: FailureFacts = { ...describeFailure(value, this.#plan.clock), verdict, kind: 'may-have-happened' }
    this.#endAttempt(verdict, value)
    return this.#failed(value, facts, true)
  }

  threw(error: unknown): unknown {
    this.#time = UNREAD
    const facts = this.#plan.judge.error(error)
    // Before the next call in the queue can take a token.
    if (facts.throttled) this.#plan.limiter?.throttled(facts.retryAfterMs, error)
    this.#plan.learner?.learnFrom(error)
    this.#endAttempt(facts.verdict, error)
    return this.#failed(error, facts)
  }

  #endAttempt(verdict: Verdict, error?: unknown): void {
    if (this.#answer !== undefined) {
      this.#phase = 'settling'
      if (this.#attemptLimit.isSet) this.#attemptLimit.cancel()
    }
    this.#leaveGuards(verdict, error)
  }

  /** Outermost first: the circuit must have learnt of a failure before the gate hands the slot to the next call. */
  #leaveGuards(verdict: Verdict, error?: unknown): void {
    const { circuit, gate, latency } = this.#plan
    if (latency !== undefined && (verdict === 'success' || verdict === 'failure')) {
      latency.record(this.durationMs(), this.now())
    }
    circuit?.exit(this, verdict, error)
    gate?.exit(this, verdict)
  }

  // 5. Another attempt, or the end.

  #failed(error: unknown, facts: FailureFacts, isResult = false): unknown {
    // A listener that was told of the outcome may have given up the call.
    if (this.#phase === 'ended') return undefined
    const decision = this.#decide(error, facts, isResult)
    if ('delayMs' in decision) return this.#backOff(error, facts, decision.delayMs)
    const { stop: reason, retryAfterMs } = decision
    if (reason !== 'not-retryable') {
      const { service, operation, attempt } = this
      this.#plan.retry?.announceEnd({ service, operation, attempt, error }, reason, facts)
    }
    if (isResult) {
      if (this.#end()) this.#plan.statistics.failed++
      return this.#resolve(error)
    }
    if (reason === 'not-retryable') return this.#fail(error, isRejection(error) ? 'refused' : 'failed')
    const attempts = this.#record(error, 0)
    return this.#fail(new RetriesExhaustedError(this, { attempts, reason, cause: error, retryAfterMs }), 'failed')
  }

  #decide(error: unknown, facts: FailureFacts, isResult: boolean): RetryDecision {
    const { retry, wouldRefuseAt, retryBudget, gate } = this.#plan
    if (retry === undefined) return { stop: 'not-retryable' }
    return retry.decide({
      attempt: this.attempt,
      error,
      facts,
      isResult,
      idempotent: this.#options?.idempotent,
      startedAt: this.#startedAt,
      now: this.now(),
      deadlineAt: this.deadlineAt,
      previousDelayMs: this.#attempts?.at(-1)?.delayMs,
      expectedMs: gate?.expectedMs(this.operation, this.now()) ?? 0,
      wouldRefuseAt: wouldRefuseAt && ((time) => wouldRefuseAt(time, this.priority)),
      budget: retryBudget,
    })
  }

  #record(error: unknown, delayMs: number): AttemptRecord[] {
    const durationMs = this.#attemptStartedAt === UNREAD ? undefined : this.now() - this.#attemptStartedAt
    this.#attempts ??= []
    this.#attempts.push({ attempt: this.attempt, error, durationMs, delayMs })
    return this.#attempts
  }

  #backOff(error: unknown, facts: FailureFacts, delayMs: number): unknown {
    const isFirst = this.#answer === undefined
    const { promise } = this.ownAnswer()
    this.#record(error, delayMs)
    this.#phase = 'backing-off'
    this.#plan.deadlines.queueFor(delayMs).add(this.#backoff, this.now())
    announceRetry(this.#plan, this, { error, facts, delayMs })
    return isFirst ? promise : undefined
  }

  #backoffEnded(now: number): void {
    this.attempt++
    this.#plan.statistics.retries++
    this.#phase = 'entering'
    this.#time = now
    if (this.#fn !== undefined) void this.#enter(this.#fn)
  }

  #refuse(refusal: RefusalError, fn: Guarded<unknown> | undefined): Promise<unknown> {
    const { retry, fallback, judge, statistics } = this.#plan
    announceRefusal(this.#plan, this, refusal)
    const wanted = retry?.wantsRefusal(refusal) === true
    if (this.#answer === undefined && fallback === undefined && !wanted) {
      statistics.refused++
      this.#spare()
      return rejectSoon(refusal)
    }
    const { promise } = this.ownAnswer()
    if (this.#phase === 'ended') return promise
    this.#attemptStartedAt = UNREAD
    this.#fn = fn
    if (wanted) this.#failed(refusal, judge.error(refusal))
    else if (this.#attempts === undefined) this.#fail(refusal, 'refused')
    else this.#fail(this.#exhaustedBy(refusal, this.#attempts.at(-1)?.error), 'failed')
    return promise
  }

  #exhaustedBy(refusal: RefusalError, cause: unknown): RetriesExhaustedError {
    const { retryAfterMs } = refusal
    const attempts = this.#record(refusal, 0)
    return new RetriesExhaustedError(this, { attempts, reason: 'refused', cause, retryAfterMs })
  }

  // 6. What can end an attempt or the call from outside: its time limits, and its caller.

  timedOut(limit: TimeLimit, now: number, stalled: boolean): void {
    this.#time = now
    if (limit === this.#totalLimit) this.#totalTimedOut(now, stalled)
    else this.#attemptTimedOut(stalled)
  }

  #attemptTimedOut(stalled: boolean): void {
    const { attemptTimeoutMs, judge } = this.#plan
    const error = this.#timeoutError('attempt', attemptTimeoutMs)
    const facts = judge.error(error)
    const verdict = stalled || this.#isSpoilt(attemptTimeoutMs) ? 'neutral' : facts.verdict
    this.#abandon(error, verdict)
    this.#failed(error, { ...facts, verdict })
  }

  #totalTimedOut(now: number, stalled: boolean): void {
    const { timeoutMs, attemptTimeoutMs } = this.#plan
    const error = this.#timeoutError('total', limitOf(this.#options, timeoutMs))
    // An attempt that was cut short says nothing about the service; one that had had its time does.
    const endless = attemptTimeoutMs === Number.POSITIVE_INFINITY
    const hadItsTime = endless || now - this.#attemptStartedAt >= 0.9 * attemptTimeoutMs
    const isProof = hadItsTime && !stalled && !this.#isSpoilt(now - this.#attemptStartedAt)
    this.#giveUp(error, isProof ? 'failure' : 'neutral')
    this.#fail(error, 'failed')
  }

  /** Whether our own event loop stood still for so much of the attempt that its silence proves nothing. */
  #isSpoilt(durationMs: number): boolean {
    return this.#plan.stalls.spoilt(this.#stalledBeforeMs, durationMs)
  }

  #aborted(reason: unknown): void {
    this.#time = UNREAD
    this.#giveUp(reason, 'neutral')
    if (this.#end()) this.#plan.statistics.cancelled++
    this.#answer?.reject(reason)
  }

  #giveUp(reason: unknown, verdict: Verdict): void {
    if (this.#phase === 'running') this.#abandon(reason, verdict)
    else if (this.#phase === 'waiting' || this.#phase === 'parked') this.#leaveQueue(this.#phase)
  }

  /** The function may run on, but nobody waits for it any more; its slot stays taken for a while. */
  #abandon(reason: unknown, verdict: Verdict): void {
    const { slot } = this
    const running = this.#running
    this.slot = undefined
    this.#running = new RunningAttempt(this)
    running.detach(slot, this.#plan.clock)
    this.#endAttempt(verdict, reason)
    running.abort(reason)
  }

  #timeoutError(scope: 'attempt' | 'total', timeoutMs: number): TimeoutError {
    this.#plan.statistics.timeouts++
    announceTimeout(this.#plan, this, scope, timeoutMs)
    const cause = this.#attempts?.at(-1)?.error
    return new TimeoutError(this, { scope, timeoutMs, started: this.#hasRun, cause })
  }

  // 7. The end, once.

  #fail(error: unknown, ending: 'failed' | 'refused'): unknown {
    const { fallback, statistics } = this.#plan
    const substitutes = fallback?.handles(error)
    if (this.#end()) statistics[ending]++
    if (fallback !== undefined && substitutes) {
      const { service, operation, attempt } = this
      return this.#resolve(fallback.substitute(error, { service, operation, attempt }))
    }
    if (this.#answer === undefined) throw error
    this.#answer.reject(error)
    return undefined
  }

  #resolve(value: unknown): unknown {
    if (this.#answer === undefined) return value
    this.#answer.resolve(value)
    return undefined
  }

  /** Gives the call a promise of its own. */
  ownAnswer(): Answer {
    if (this.#answer === undefined) this.#answer = new Answer()
    return this.#answer
  }

  /** @returns whether it had not ended before */
  #end(): boolean {
    if (this.#phase === 'ended') return false
    this.#phase = 'ended'
    if (this.#backoff.queue !== undefined) this.#backoff.cancel()
    if (this.#attemptLimit.isSet) this.#attemptLimit.cancel()
    if (this.#totalLimit.isSet) this.#totalLimit.cancel()
    this.#options?.signal?.removeEventListener('abort', this.#onAbort)
    return true
  }

  /** Makes it ready for another call. Done only where nobody can hold it any more: after a refusal and after a success. */
  #spare(): void {
    this.#fn = undefined
    this.#time = UNREAD
    if (this.#isWatched || this.#answer !== undefined) this.#clear()
    const home = this.#home
    if (home !== undefined && home.spare === undefined) home.spare = this
    else if (spares.length < MOST_SPARES) spares.push(this)
  }

  #clear(): void {
    this.#answer = undefined
    this.#options = undefined
    this.#isWatched = false
    this.#phase = 'entering'
    this.attempt = 1
    this.#hasRun = false
    this.#attempts = undefined
    this.#attemptStartedAt = UNREAD
    this.deadlineAt = Number.POSITIVE_INFINITY
  }
}
