/**
 * How a call runs, top to bottom: admitted by the guards, run, told to the guards, tried again or ended. There is one loop
 * for all patterns; no wrapper is nested in another. docs/how-a-call-runs.md walks one call through this file.
 *
 * A call that nothing can end early costs one `then`: what its handlers return or throw is the caller's answer. As soon as
 * something else may end it (a time limit, its caller) or it has to wait, it gets a promise of its own.
 */
import { type AttemptRecord, isRejection, type RefusalError, RetriesExhaustedError, TimeoutError } from '../errors.ts'
import { describeFailure, type FailureFacts, type Verdict } from '../failures.ts'
import type { QueuePlace } from '../gate/gate.ts'
import { check, durationMs } from '../options.ts'
import { type Abandoned, abandonSlot } from './abandoned.ts'
import type { Call, CallOptions, Guarded } from './call.ts'
import type { Deadline, DeadlineOwner } from './deadline-list.ts'
import { type GuardedCall, type Slot, WAITING } from './guard.ts'
import type { Plan } from './plan.ts'
import type { Ending } from './statistics.ts'

/** A timer that fires later than this was held up by our own event loop, in milliseconds. */
const LATE_TIMER_MS = 20

/** What is left to an attempt after such a stall, so that an answer which is there already can be read. */
const GRACE_MS = 20

/** No guard is held from before. */
const NONE = -1

/** The clock has not been read in this phase. */
const UNREAD = Number.NEGATIVE_INFINITY

const TIMEOUT_RULE = durationMs(1)

/** Runs a function by a plan. */
export function execute<T, F = never>(plan: Plan<F>, fn: Guarded<T>, options?: CallOptions): Promise<Awaited<T> | F> {
  return new Execution<T, F>(plan, fn, options).begin()
}

/** What a handler hands on: the answer, or a promise of it. */
type Answer<T, F> = Awaited<T> | F | Promise<Awaited<T> | F>

/** What can be called off: a timer, or a deadline in a list. */
interface Cancellable {
  cancel(): void
}

/** The promise of a call that may end at any moment. */
interface Deferred<T, F> {
  readonly promise: Promise<Awaited<T> | F>
  readonly resolve: (value: Answer<T, F>) => void
  readonly reject: (reason: unknown) => void
}

/** One call from beginning to end. It is also what the function is given, and what the guards write their marks on. */
class Execution<T, F> implements Call, GuardedCall, DeadlineOwner {
  attempt = 1
  deadlineAt = Number.POSITIVE_INFINITY
  circuitGeneration = 0
  circuitProbe = -1
  slot: Slot | undefined = undefined
  queue: QueuePlace | undefined = undefined

  readonly #plan: Plan<F>
  readonly #fn: Guarded<T>
  readonly #options: CallOptions | undefined
  #phase: 'entering' | 'waiting' | 'running' | 'settling' | 'backing-off' | 'ended' = 'entering'
  /** Grows with every attempt that begins or ends: what arrives for another epoch is dropped. */
  #epoch = 0
  #time = UNREAD
  #waitingAt = 0
  #startedAt = UNREAD
  #attemptStartedAt = UNREAD
  #hasRun = false
  #deferred: Deferred<T, F> | undefined = undefined
  #attempts: AttemptRecord[] | undefined = undefined
  #controller: AbortController | undefined = undefined
  #abortReason: unknown = undefined
  #onAbort: (() => void) | undefined = undefined
  #totalLimit: Cancellable | undefined = undefined
  /** The attempt's limit while it runs, the wait while it backs off. */
  #timer: Cancellable | undefined = undefined
  #abandoned: Abandoned | undefined = undefined

  constructor(plan: Plan<F>, fn: Guarded<T>, options: CallOptions | undefined) {
    this.#plan = plan
    this.#fn = fn
    this.#options = options
  }

  get service(): string | undefined {
    return this.#plan.service
  }

  get operation(): string | undefined {
    return this.#options?.operation
  }

  get client(): string | undefined {
    return this.#options?.client
  }

  get cost(): number {
    return this.#options?.cost ?? 1
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#abortReason !== undefined) this.#controller.abort(this.#abortReason)
    }
    return this.#controller.signal
  }

  remainingMs(): number {
    return Math.max(0, this.deadlineAt - this.#plan.clock.now())
  }

  /** The clock is read once in a phase, and only when somebody needs it. */
  now(): number {
    if (this.#time === UNREAD) this.#time = this.#plan.clock.now()
    return this.#time
  }

  // 1. Begin: limits of the whole call.

  begin(): Promise<Awaited<T> | F> {
    const { statistics, timed, timeoutMs } = this.#plan
    if (this.#options !== undefined) {
      const complaint = this.#complaint(this.#options)
      if (complaint !== undefined) return Promise.reject(complaint)
    }
    statistics.started++
    if (timed) this.#startedAt = this.now()
    if (this.#options !== undefined || timeoutMs !== Number.POSITIVE_INFINITY) {
      const aborted = this.#limit()
      if (aborted !== undefined) return aborted
    }
    return this.#enter()
  }

  #complaint({ timeoutMs, cost }: CallOptions): unknown {
    try {
      if (timeoutMs !== undefined) check('timeoutMs', timeoutMs, TIMEOUT_RULE)
      if (cost !== undefined) this.#plan.limiter?.checkCost(cost)
      return undefined
    } catch (error) {
      return error
    }
  }

  /** Sets what can end the call from outside. */
  #limit(): Promise<Awaited<T> | F> | undefined {
    const { clock, timeoutMs, totalDeadlines } = this.#plan
    const signal = this.#options?.signal
    const own = this.#options?.timeoutMs
    if (signal?.aborted) {
      this.#end('cancelled')
      return Promise.reject(signal.reason)
    }
    const limitMs = own ?? timeoutMs
    if (limitMs !== Number.POSITIVE_INFINITY) {
      this.#defer()
      this.deadlineAt = this.now() + limitMs
      this.#totalLimit =
        own === undefined && totalDeadlines !== undefined
          ? totalDeadlines.add(this, this.now())
          : clock.setTimer(() => this.#totalTimeout(limitMs, false), limitMs)
    }
    if (signal !== undefined) {
      this.#defer()
      this.#onAbort = () => this.#abort(signal.reason)
      signal.addEventListener('abort', this.#onAbort)
    }
    return undefined
  }

  // 2. Admission: every guard in order; a call that has to wait holds nothing meanwhile.

  #enter(holding = NONE): Promise<Awaited<T> | F> {
    this.#phase = 'entering'
    const { guards } = this.#plan
    for (let index = 0; index < guards.length; index++) {
      if (index === holding) continue
      const admission = guards[index]?.enter(this)
      if (admission === undefined && !this.#hasEnded()) continue
      this.#leaveGuards('not-run', admission === undefined ? index + 1 : index)
      if (holding >= index) guards[holding]?.exit(this, 'not-run')
      if (admission === WAITING) return this.#waitAt(index)
      if (admission !== undefined) return this.#refuse(admission)
      return this.#defer()
    }
    return this.#run()
  }

  #waitAt(index: number): Promise<Awaited<T> | F> {
    this.#waitingAt = index
    if (this.#hasEnded()) this.#plan.guards[index]?.leave?.(this)
    else this.#phase = 'waiting'
    return this.#defer()
  }

  /** What it waited for is there; the guards before may have changed their minds meanwhile: a circuit may have opened. */
  admitted(now: number): void {
    this.#time = now
    void this.#enter(this.#waitingAt)
  }

  refused(refusal: RefusalError, now: number): void {
    this.#time = now
    void this.#refuse(refusal)
  }

  // 3. Run one attempt, under its own time limit.

  #run(): Promise<Awaited<T> | F> {
    const { attemptDeadlines, timed } = this.#plan
    const epoch = ++this.#epoch
    this.#phase = 'running'
    this.#hasRun = true
    if (timed) this.#attemptStartedAt = this.now()
    if (attemptDeadlines !== undefined) {
      this.#defer()
      this.#timer = attemptDeadlines.add(this, this.now())
    }
    let running: Promise<Awaited<T>>
    try {
      // A thenable is taken by Promise.resolve, once; a promise as it is.
      running = Promise.resolve(this.#fn(this))
    } catch (error) {
      return this.#promised(() => this.#threw(epoch, error))
    }
    if (this.#deferred === undefined) {
      return running.then(
        (value) => this.#returned(epoch, value),
        (error: unknown) => this.#threw(epoch, error),
      )
    }
    running.then(
      (value) => void this.#returned(epoch, value),
      (error: unknown) => void this.#threw(epoch, error),
    )
    return this.#deferred.promise
  }

  // 4. The outcome: one verdict, told to every guard.

  #returned(epoch: number, value: Awaited<T>): Answer<T, F> {
    if (epoch !== this.#epoch) return this.#settledLate(epoch)
    this.#time = UNREAD
    const verdict = this.#plan.judge.result(value)
    if (verdict !== 'success') return this.#returnedFailure(value, verdict)
    this.#endAttempt(verdict)
    this.#end('succeeded')
    return this.#resolve(value)
  }

  #returnedFailure(value: Awaited<T>, verdict: Verdict): Answer<T, F> {
    const facts: FailureFacts = { ...describeFailure(value, this.#plan.clock), verdict, kind: 'may-have-happened' }
    this.#endAttempt(verdict, value)
    const next = this.#next(value, facts, true)
    if (next !== undefined) return next
    this.#end('failed')
    return this.#resolve(value)
  }

  #threw(epoch: number, error: unknown): Answer<T, F> {
    if (epoch !== this.#epoch) return this.#settledLate(epoch)
    this.#time = UNREAD
    const facts = this.#plan.judge.error(error)
    // Before the next call in the queue can take a token.
    if (facts.throttled && facts.retryAfterMs !== undefined) this.#plan.limiter?.pauseFor(facts.retryAfterMs)
    this.#endAttempt(facts.verdict, error)
    return this.#failed(error, facts)
  }

  #endAttempt(verdict: Verdict, error?: unknown): void {
    this.#phase = 'settling'
    this.#epoch++
    this.#timer?.cancel()
    this.#leaveGuards(verdict, this.#plan.guards.length, error)
  }

  /** Outermost first: the circuit must have learnt of a failure before the gate hands the slot to the next call. */
  #leaveGuards(verdict: Verdict, count: number, error?: unknown): void {
    const { guards } = this.#plan
    for (let index = 0; index < count; index++) guards[index]?.exit(this, verdict, error)
  }

  // 5. Another attempt, or the end.

  #failed(error: unknown, facts: FailureFacts): Answer<T, F> {
    return this.#next(error, facts, false) ?? this.#fail(error, isRejection(error) ? 'refused' : 'failed')
  }

  /** What follows a failed attempt; undefined when the caller gets it as it is. */
  #next(error: unknown, facts: FailureFacts, isResult: boolean): Answer<T, F> | undefined {
    const { retry, wouldRefuseAt } = this.#plan
    // A listener that was told of the outcome may have given up the call.
    if (this.#hasEnded()) return this.#defer()
    if (retry === undefined) return undefined
    const now = this.now()
    const decision = retry.decide({
      attempt: this.attempt,
      error,
      facts,
      isResult,
      idempotent: this.#options?.idempotent,
      startedAt: this.#startedAt,
      now,
      deadlineAt: this.deadlineAt,
      previousDelayMs: this.#attempts?.at(-1)?.delayMs,
      wouldRefuseAt,
    })
    if ('delayMs' in decision) {
      const { delayMs } = decision
      this.#record(error, delayMs)
      return this.#backOff(error, facts, delayMs)
    }
    if (decision.stop === 'not-retryable') return undefined
    const { stop: reason, retryAfterMs } = decision
    const { service, operation, attempt } = this
    retry.announceEnd({ service, operation, attempt, error }, reason, facts)
    if (isResult) return undefined
    const attempts = this.#record(error, 0)
    return this.#fail(new RetriesExhaustedError(this, { attempts, reason, cause: error, retryAfterMs }), 'failed')
  }

  #record(error: unknown, delayMs: number): AttemptRecord[] {
    const durationMs = this.#attemptStartedAt === UNREAD ? undefined : this.now() - this.#attemptStartedAt
    this.#attempts ??= []
    this.#attempts.push({ attempt: this.attempt, error, durationMs, delayMs })
    return this.#attempts
  }

  #backOff(error: unknown, facts: FailureFacts, delayMs: number): Promise<Awaited<T> | F> {
    const { retry, events, clock, statistics } = this.#plan
    const { service, operation, attempt } = this
    const waiting = this.#defer()
    this.#phase = 'backing-off'
    this.#timer = clock.setTimer(() => {
      this.attempt++
      statistics.retries++
      this.#controller = undefined
      this.#abortReason = undefined
      this.#time = UNREAD
      void this.#enter()
    }, delayMs)
    retry?.announceRetry({ service, operation, attempt, delayMs, error }, facts)
    if (events?.any) {
      events.emit({ type: 'retry', at: clock.wallTime(), service, operation, attempt, delayMs, errorCode: facts.code })
    }
    return waiting
  }

  #refuse(refusal: RefusalError): Promise<Awaited<T> | F> {
    const { retry, events, clock } = this.#plan
    if (events?.any) {
      const { service, operation, attempt } = this
      const { code, message, retryAfterMs } = refusal
      events.emit({ type: 'refused', at: clock.wallTime(), service, operation, attempt, code, message, retryAfterMs })
    }
    this.#attemptStartedAt = UNREAD
    if (retry?.wantsRefusal(refusal))
      return this.#promised(() => this.#failed(refusal, this.#plan.judge.error(refusal)))
    const last = this.#attempts?.at(-1)
    if (last === undefined) return this.#promised(() => this.#fail(refusal, 'refused'))
    const { retryAfterMs } = refusal
    const attempts = this.#record(refusal, 0)
    const exhausted = new RetriesExhaustedError(this, { attempts, reason: 'refused', cause: last.error, retryAfterMs })
    return this.#promised(() => this.#fail(exhausted, 'failed'))
  }

  // 6. What can end an attempt or the call from outside: its time limits, and its caller.

  due(deadline: Deadline, now: number): void {
    this.#time = now
    if (deadline === this.#totalLimit) this.#totalTimeout(this.#plan.timeoutMs, false)
    else this.#attemptTimeout(now - deadline.at)
  }

  #attemptTimeout(lateMs: number): void {
    const { clock } = this.#plan
    if (lateMs <= LATE_TIMER_MS) return this.#attemptTimedOut(false)
    this.#timer = clock.setTimer(() => this.#attemptTimedOut(true), GRACE_MS)
  }

  #attemptTimedOut(stalled: boolean): void {
    if (stalled) this.#time = UNREAD
    const error = this.#timedOut('attempt', this.#plan.attemptTimeoutMs)
    const facts = this.#plan.judge.error(error)
    const verdict = stalled ? 'neutral' : facts.verdict
    this.#abandon(error, verdict)
    void this.#failed(error, { ...facts, verdict })
  }

  #totalTimeout(timeoutMs: number, stalled: boolean): void {
    const { clock, attemptTimeoutMs } = this.#plan
    this.#time = UNREAD
    const now = this.now()
    if (!stalled && now - this.deadlineAt > LATE_TIMER_MS) {
      this.#totalLimit = clock.setTimer(() => this.#totalTimeout(timeoutMs, true), GRACE_MS)
      return
    }
    const error = this.#timedOut('total', timeoutMs)
    // An attempt that was cut short says nothing about the service; one that had had its time does.
    const endless = attemptTimeoutMs === Number.POSITIVE_INFINITY
    const hadItsTime = endless || now - this.#attemptStartedAt >= 0.9 * attemptTimeoutMs
    this.#giveUp(error, !stalled && hadItsTime ? 'failure' : 'neutral')
    void this.#fail(error, 'failed')
  }

  #abort(reason: unknown): void {
    this.#time = UNREAD
    this.#giveUp(reason, 'neutral')
    this.#end('cancelled')
    this.#deferred?.reject(reason)
  }

  #giveUp(reason: unknown, verdict: Verdict): void {
    if (this.#phase === 'running') return this.#abandon(reason, verdict)
    if (this.#phase === 'waiting') this.#plan.guards[this.#waitingAt]?.leave?.(this)
    this.#timer?.cancel()
  }

  /** The function may run on, but nobody waits for it any more; its slot stays taken for a while. */
  #abandon(reason: unknown, verdict: Verdict): void {
    const { slot } = this
    this.slot = undefined
    if (slot !== undefined) this.#abandoned = abandonSlot(slot, this.#epoch, this.#plan.clock, this.#abandoned)
    this.#endAttempt(verdict, reason)
    this.#abortReason = reason
    this.#controller?.abort(reason)
  }

  #settledLate(epoch: number): Promise<Awaited<T> | F> {
    for (let left = this.#abandoned; left !== undefined; left = left.earlier) {
      if (left.epoch === epoch) left.release()
    }
    return this.#defer()
  }

  #timedOut(scope: 'attempt' | 'total', timeoutMs: number): TimeoutError {
    const { events, clock, statistics } = this.#plan
    const { service, operation, attempt } = this
    statistics.timeouts++
    if (events?.any)
      events.emit({ type: 'timeout', at: clock.wallTime(), service, operation, attempt, scope, timeoutMs })
    const cause = this.#attempts?.at(-1)?.error
    return new TimeoutError(this, { scope, timeoutMs, started: this.#hasRun, cause })
  }

  // 7. The end, once.

  #hasEnded(): boolean {
    return this.#phase === 'ended'
  }

  #fail(error: unknown, ending: Ending): Answer<T, F> {
    const { fallback } = this.#plan
    const substitutes = fallback?.handles(error)
    this.#end(ending)
    if (fallback !== undefined && substitutes) return this.#resolve(fallback.substitute(error, this))
    if (this.#deferred === undefined) throw error
    this.#deferred.reject(error)
    return this.#deferred.promise
  }

  #resolve(answer: Answer<T, F>): Answer<T, F> {
    if (this.#deferred === undefined) return answer
    this.#deferred.resolve(answer)
    return this.#deferred.promise
  }

  #end(ending: Ending): void {
    if (this.#phase === 'ended') return
    this.#phase = 'ended'
    this.#epoch++
    this.#timer?.cancel()
    this.#totalLimit?.cancel()
    if (this.#onAbort !== undefined) this.#options?.signal?.removeEventListener('abort', this.#onAbort)
    this.#plan.statistics[ending]++
  }

  /** Gives the call a promise of its own. */
  #defer(): Promise<Awaited<T> | F> {
    if (this.#deferred === undefined) {
      let resolve: Deferred<T, F>['resolve'] = unsettled
      let reject: Deferred<T, F>['reject'] = unsettled
      const promise = new Promise<Awaited<T> | F>((onResolve, onReject) => {
        resolve = onResolve
        reject = onReject
      })
      this.#deferred = { promise, resolve, reject }
    }
    return this.#deferred.promise
  }

  /** The answer of a step that returns or throws it, as a promise. */
  #promised(step: () => Answer<T, F>): Promise<Awaited<T> | F> {
    if (this.#deferred !== undefined) {
      void step()
      return this.#deferred.promise
    }
    try {
      return Promise.resolve(step())
    } catch (error) {
      return Promise.reject(error)
    }
  }
}

function unsettled(): void {}
