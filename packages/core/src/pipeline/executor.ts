/**
 * How a call runs, top to bottom: admitted by the guards, run, told to the guards, tried again or ended. There is one loop
 * for all patterns; no wrapper is nested in another. docs/how-a-call-runs.md walks one call through this file.
 */

import { type AttemptRecord, isRejection, type RefusalError, RetriesExhaustedError, TimeoutError } from '../errors.ts'
import { describeFailure, type FailureFacts, type Verdict } from '../failures.ts'
import type { QueuePlace } from '../gate/gate.ts'
import type { ClientKey } from '../rate-limiter/key-hash.ts'
import type { RetryDecision } from '../retry/retry-policy.ts'
import { announceRefusal, announceRetry, announceTimeout } from './announce.ts'
import { Answer, rejectSoon } from './answer.ts'
import { type CallOptions, complaintAbout, type Guarded } from './call.ts'
import { Deadline } from './deadline.ts'
import { type GuardedCall, type Slot, WAITING } from './guard.ts'
import type { Plan } from './plan.ts'
import { type AttemptOwner, RunningAttempt } from './running-attempt.ts'
import { TimeLimit } from './time-limit.ts'

/** No guard is held from before. */
const NONE = -1

/** The clock has not been read in this phase. */
const UNREAD = Number.NEGATIVE_INFINITY

/** Executions whose calls have ended, to be used again: what they are made of is most of what a call would allocate. */
const spares: Execution[] = []
const MOST_SPARES = 1_000

/** Runs a function by a plan. What the record holds has no type; here is where it gets in and out. */
export function execute<T, F = never>(plan: Plan<F>, fn: Guarded<T>, options?: CallOptions): Promise<Awaited<T> | F>
export function execute(plan: Plan<unknown>, fn: Guarded<unknown>, options?: CallOptions): Promise<unknown> {
  return (spares.pop() ?? new Execution(plan)).begin(plan, fn, options)
}

/** One call from beginning to end. It is also what the guards write their marks on. */
class Execution implements GuardedCall, AttemptOwner {
  attempt = 1
  deadlineAt = Number.POSITIVE_INFINITY
  circuitGeneration = 0
  circuitProbe = -1
  slot: Slot | undefined = undefined
  queue: QueuePlace | undefined = undefined

  #plan: Plan<unknown>
  #fn: Guarded<unknown> | undefined = undefined
  #options: CallOptions | undefined = undefined
  #phase: 'entering' | 'waiting' | 'running' | 'settling' | 'backing-off' | 'ended' = 'ended'
  #time = UNREAD
  #waitingAt = 0
  #startedAt = UNREAD
  #attemptStartedAt = UNREAD
  #hasRun = false
  #attempts: AttemptRecord[] | undefined = undefined
  #running = new RunningAttempt(this)
  readonly #answer = new Answer()
  readonly #totalLimit = new TimeLimit((now, stalled) => this.#totalTimedOut(now, stalled))
  readonly #attemptLimit = new TimeLimit((now, stalled) => this.#attemptTimedOut(now, stalled))
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

  remainingMs(): number {
    return Math.max(0, this.deadlineAt - this.#plan.clock.now())
  }

  /** The clock is read once in a phase, and only when somebody needs it. */
  now(): number {
    if (this.#time === UNREAD) this.#time = this.#plan.clock.now()
    return this.#time
  }

  // 1. Begin.

  begin(plan: Plan<unknown>, fn: Guarded<unknown>, options: CallOptions | undefined): Promise<unknown> {
    this.#plan = plan
    if (options !== undefined) {
      const complaint = complaintAbout(options, plan.limiter)
      if (complaint !== undefined) return Promise.reject(complaint)
      this.#options = options
    }
    const timeoutMs = options?.timeoutMs ?? plan.timeoutMs
    plan.statistics.started++
    this.#phase = 'entering'
    if (plan.timed) this.#startedAt = this.now()
    if (timeoutMs !== Number.POSITIVE_INFINITY) this.deadlineAt = this.now() + timeoutMs
    if (options?.signal !== undefined) {
      if (options.signal.aborted) {
        if (this.#end()) plan.statistics.cancelled++
        return Promise.reject(options.signal.reason)
      }
      this.#answer.defer()
      options.signal.addEventListener('abort', this.#onAbort)
    }
    return this.#enter(fn)
  }

  // 2. Admission: every guard in order; a call that has to wait holds nothing meanwhile.

  #enter(fn: Guarded<unknown>, holding = NONE): Promise<unknown> {
    const { guards } = this.#plan
    for (let index = 0; index < guards.length; index++) {
      if (index === holding) continue
      const admission = guards[index]?.enter(this)
      if (admission === undefined && this.#phase !== 'ended') continue
      this.#leaveGuards('not-run', admission === undefined ? index + 1 : index)
      if (holding >= index) guards[holding]?.exit(this, 'not-run')
      if (admission === WAITING) return this.#waitAt(index, fn)
      if (admission === undefined) return this.#answer.defer()
      this.#fn = fn
      return this.#refuse(admission)
    }
    return this.#run(fn)
  }

  #waitAt(index: number, fn: Guarded<unknown>): Promise<unknown> {
    const waiting = this.#answer.defer()
    if (this.#phase === 'ended') {
      this.#plan.guards[index]?.leave?.(this)
      return waiting
    }
    this.#phase = 'waiting'
    this.#waitingAt = index
    this.#fn = fn
    this.#startTotalLimit()
    return waiting
  }

  /** What it waited for is there; the guards before may have changed their minds meanwhile: a circuit may have opened. */
  admitted(now: number): void {
    this.#time = now
    this.#phase = 'entering'
    if (this.#fn !== undefined) void this.#enter(this.#fn, this.#waitingAt)
  }

  refused(refusal: RefusalError, now: number): void {
    this.#time = now
    void this.#refuse(refusal)
  }

  // 3. Run one attempt, under its own time limit.

  #run(fn: Guarded<unknown>): Promise<unknown> {
    const { attemptDeadlines, deadlines, timed, retry } = this.#plan
    const running = this.#running
    this.#phase = 'running'
    this.#hasRun = true
    if (retry !== undefined) this.#fn = fn
    if (timed) this.#attemptStartedAt = this.now()
    if (this.deadlineAt !== Number.POSITIVE_INFINITY) this.#startTotalLimit()
    if (attemptDeadlines !== undefined) {
      this.#answer.defer()
      this.#attemptLimit.set(attemptDeadlines, deadlines, this.now())
    }
    let settled: Promise<unknown>
    try {
      // A thenable is taken by Promise.resolve, once; a promise as it is.
      settled = Promise.resolve(fn(running.call(this))).then(running.onFulfilled, running.onRejected)
    } catch (error) {
      settled = this.#answer.defer()
      running.onRejected(error)
    }
    return this.#answer.promise ?? settled
  }

  // 4. The outcome: one verdict, told to every guard. What these return or throw, the handlers of the attempt do.

  returned(value: unknown): unknown {
    this.#time = UNREAD
    const verdict = this.#plan.judge.result(value)
    if (verdict !== 'success') return this.#returnedFailure(value, verdict)
    this.#endAttempt(verdict)
    if (this.#end()) this.#plan.statistics.succeeded++
    const answer = this.#answer.resolve(value)
    this.#spare()
    return answer
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
    if (facts.throttled && facts.retryAfterMs !== undefined) this.#plan.limiter?.pauseFor(facts.retryAfterMs)
    this.#endAttempt(facts.verdict, error)
    return this.#failed(error, facts)
  }

  #endAttempt(verdict: Verdict, error?: unknown): void {
    this.#phase = 'settling'
    if (this.#attemptLimit.isSet) this.#attemptLimit.cancel()
    this.#leaveGuards(verdict, this.#plan.guards.length, error)
  }

  /** Outermost first: the circuit must have learnt of a failure before the gate hands the slot to the next call. */
  #leaveGuards(verdict: Verdict, count: number, error?: unknown): void {
    const { guards } = this.#plan
    for (let index = 0; index < count; index++) guards[index]?.exit(this, verdict, error)
  }

  // 5. Another attempt, or the end.

  #failed(error: unknown, facts: FailureFacts, isResult = false): unknown {
    // A listener that was told of the outcome may have given up the call.
    if (this.#phase === 'ended') return this.#answer.postpone()
    const decision = this.#decide(error, facts, isResult)
    if ('delayMs' in decision) {
      this.#backOff(error, facts, decision.delayMs)
      return this.#answer.postpone()
    }
    const { stop: reason, retryAfterMs } = decision
    if (reason !== 'not-retryable') {
      const { service, operation, attempt } = this
      this.#plan.retry?.announceEnd({ service, operation, attempt, error }, reason, facts)
    }
    if (isResult) {
      if (this.#end()) this.#plan.statistics.failed++
      return this.#answer.resolve(error)
    }
    if (reason === 'not-retryable') return this.#fail(error, isRejection(error) ? 'refused' : 'failed')
    const attempts = this.#record(error, 0)
    return this.#fail(new RetriesExhaustedError(this, { attempts, reason, cause: error, retryAfterMs }), 'failed')
  }

  #decide(error: unknown, facts: FailureFacts, isResult: boolean): RetryDecision {
    const { retry, wouldRefuseAt } = this.#plan
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
      wouldRefuseAt,
    })
  }

  #record(error: unknown, delayMs: number): AttemptRecord[] {
    const durationMs = this.#attemptStartedAt === UNREAD ? undefined : this.now() - this.#attemptStartedAt
    this.#attempts ??= []
    this.#attempts.push({ attempt: this.attempt, error, durationMs, delayMs })
    return this.#attempts
  }

  #backOff(error: unknown, facts: FailureFacts, delayMs: number): void {
    this.#record(error, delayMs)
    this.#phase = 'backing-off'
    this.#plan.deadlines.queueFor(delayMs).add(this.#backoff, this.now())
    announceRetry(this.#plan, this, { error, facts, delayMs })
  }

  #backoffEnded(now: number): void {
    this.attempt++
    this.#plan.statistics.retries++
    this.#phase = 'entering'
    this.#time = now
    if (this.#fn !== undefined) void this.#enter(this.#fn)
  }

  #refuse(refusal: RefusalError): Promise<unknown> {
    const { retry, fallback, judge, statistics } = this.#plan
    announceRefusal(this.#plan, this, refusal)
    this.#attemptStartedAt = UNREAD
    const wanted = retry?.wantsRefusal(refusal) === true
    if (this.#answer.promise === undefined && fallback === undefined && !wanted) {
      if (this.#end()) statistics.refused++
      this.#spare()
      return rejectSoon(refusal)
    }
    const answer = this.#answer.defer()
    if (wanted) this.#failed(refusal, judge.error(refusal))
    else if (this.#attempts === undefined) this.#fail(refusal, 'refused')
    else this.#fail(this.#exhaustedBy(refusal, this.#attempts.at(-1)?.error), 'failed')
    return answer
  }

  #exhaustedBy(refusal: RefusalError, cause: unknown): RetriesExhaustedError {
    const { retryAfterMs } = refusal
    return new RetriesExhaustedError(this, {
      attempts: this.#record(refusal, 0),
      reason: 'refused',
      cause,
      retryAfterMs,
    })
  }

  // 6. What can end an attempt or the call from outside: its time limits, and its caller.

  #startTotalLimit(): void {
    if (this.#totalLimit.isSet || this.deadlineAt === Number.POSITIVE_INFINITY) return
    const { deadlines, totalDeadlines } = this.#plan
    const own = this.#options?.timeoutMs
    this.#answer.defer()
    const queue = own === undefined ? totalDeadlines : deadlines.queueFor(own)
    if (queue !== undefined) this.#totalLimit.set(queue, deadlines, this.now())
  }

  #attemptTimedOut(now: number, stalled: boolean): void {
    this.#time = now
    const error = this.#timedOut('attempt', this.#plan.attemptTimeoutMs)
    const facts = this.#plan.judge.error(error)
    const verdict = stalled ? 'neutral' : facts.verdict
    this.#abandon(error, verdict)
    this.#failed(error, { ...facts, verdict })
  }

  #totalTimedOut(now: number, stalled: boolean): void {
    this.#time = now
    const { timeoutMs, attemptTimeoutMs } = this.#plan
    const error = this.#timedOut('total', this.#options?.timeoutMs ?? timeoutMs)
    // An attempt that was cut short says nothing about the service; one that had had its time does.
    const endless = attemptTimeoutMs === Number.POSITIVE_INFINITY
    const hadItsTime = endless || now - this.#attemptStartedAt >= 0.9 * attemptTimeoutMs
    this.#giveUp(error, !stalled && hadItsTime ? 'failure' : 'neutral')
    this.#fail(error, 'failed')
  }

  #aborted(reason: unknown): void {
    this.#time = UNREAD
    this.#giveUp(reason, 'neutral')
    if (this.#end()) this.#plan.statistics.cancelled++
    this.#answer.reject(reason)
  }

  #giveUp(reason: unknown, verdict: Verdict): void {
    if (this.#phase === 'running') this.#abandon(reason, verdict)
    else if (this.#phase === 'waiting') this.#plan.guards[this.#waitingAt]?.leave?.(this)
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

  #timedOut(scope: 'attempt' | 'total', timeoutMs: number): TimeoutError {
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
    if (fallback === undefined || !substitutes) return this.#answer.reject(error)
    const { service, operation, attempt } = this
    return this.#answer.resolve(fallback.substitute(error, { service, operation, attempt }))
  }

  /** @returns whether it had not ended before */
  #end(): boolean {
    if (this.#phase === 'ended') return false
    this.#phase = 'ended'
    this.#backoff.cancel()
    this.#attemptLimit.cancel()
    this.#totalLimit.cancel()
    if (this.#options?.signal !== undefined) this.#options.signal.removeEventListener('abort', this.#onAbort)
    return true
  }

  /** Makes it ready for another call. Done only where nobody can hold it any more: after a refusal and after a success. */
  #spare(): void {
    if (spares.length >= MOST_SPARES) return
    this.attempt = 1
    this.deadlineAt = Number.POSITIVE_INFINITY
    this.#fn = undefined
    this.#options = undefined
    this.#time = UNREAD
    this.#attemptStartedAt = UNREAD
    this.#hasRun = false
    this.#attempts = undefined
    this.#answer.clear()
    spares.push(this)
  }
}
