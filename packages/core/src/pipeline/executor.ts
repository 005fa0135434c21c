/**
 * How a call runs, top to bottom: admitted by the guards, run, told to the guards, tried again or ended. There is one loop
 * for all patterns; no wrapper is nested in another. docs/how-a-call-runs.md walks one call through this file.
 */
import type { Timer } from '../clock.ts'
import { type AttemptRecord, isRejection, type RefusalError, RetriesExhaustedError, TimeoutError } from '../errors.ts'
import { describeFailure, type FailureFacts, type Verdict } from '../failures.ts'
import type { QueuePlace } from '../gate/gate.ts'
import { check, durationMs } from '../options.ts'
import { type Abandoned, abandonSlot } from './abandoned.ts'
import type { Call, CallOptions, Guarded } from './call.ts'
import { type GuardedCall, type Slot, WAITING } from './guard.ts'
import type { Plan } from './plan.ts'
import type { Ending } from './statistics.ts'

/** A timer that fires later than this was held up by our own event loop, in milliseconds. */
const LATE_TIMER_MS = 20

/** What is left to an attempt after such a stall, so that an answer which is there already can be read. */
const GRACE_MS = 20

/** No guard is held from before. */
const NONE = -1

const TIMEOUT_RULE = durationMs(1)

/** Runs a function by a plan. */
export function execute<T, F = never>(
  plan: Plan<F>,
  fn: Guarded<T>,
  options: CallOptions = {},
): Promise<Awaited<T> | F> {
  return new Promise((resolve, reject) => new Execution(plan, fn, options, resolve, reject).begin())
}

/** One call from beginning to end. It is also what the function is given, and what the guards write their marks on. */
class Execution<T, F> implements Call, GuardedCall {
  readonly operation: string | undefined
  readonly client: string | undefined
  readonly cost: number
  attempt = 1
  deadlineAt = Number.POSITIVE_INFINITY
  circuitGeneration = 0
  circuitProbe = -1
  slot: Slot | undefined = undefined
  readonly queue: QueuePlace = { queued: false, next: undefined, previous: undefined, expiresAt: 0 }

  readonly #plan: Plan<F>
  readonly #fn: Guarded<T>
  readonly #options: CallOptions
  readonly #resolve: (value: Awaited<T> | Promise<F>) => void
  readonly #reject: (reason: unknown) => void
  #phase: 'entering' | 'waiting' | 'running' | 'settling' | 'backing-off' | 'ended' = 'entering'
  /** Grows with every attempt that begins or ends: what arrives for another epoch is dropped. */
  #epoch = 0
  #waitingAt = 0
  #hasRun = false
  #startedAt = 0
  #attemptStartedAt = 0
  #attempts: AttemptRecord[] = []
  #controller: AbortController | undefined
  #abortReason: unknown
  #totalTimer: Timer | undefined
  #timer: Timer | undefined
  #abandoned: Abandoned | undefined

  constructor(
    plan: Plan<F>,
    fn: Guarded<T>,
    options: CallOptions,
    resolve: (value: Awaited<T> | Promise<F>) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#plan = plan
    this.#fn = fn
    this.#options = options
    this.#resolve = resolve
    this.#reject = reject
    this.operation = options.operation
    this.client = options.client
    this.cost = options.cost ?? 1
  }

  get service(): string | undefined {
    return this.#plan.service
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

  // 1. Begin: limits of the whole call.

  begin(): void {
    const { clock, limiter, statistics } = this.#plan
    const { signal, timeoutMs = this.#plan.timeoutMs } = this.#options
    if (this.#options.timeoutMs !== undefined) check('timeoutMs', timeoutMs, TIMEOUT_RULE)
    limiter?.checkCost(this.cost)
    statistics.started++
    this.#startedAt = clock.now()
    if (signal?.aborted) return this.#end('cancelled', () => this.#reject(signal.reason))
    if (timeoutMs !== Number.POSITIVE_INFINITY) {
      this.deadlineAt = this.#startedAt + timeoutMs
      this.#totalTimer = clock.setTimer(() => this.#totalTimeout(timeoutMs, false), timeoutMs)
    }
    signal?.addEventListener('abort', this.#onAbort)
    this.#enter(this.#startedAt)
  }

  // 2. Admission: every guard in order; a call that has to wait holds nothing meanwhile.

  #enter(now: number, holding = NONE): void {
    this.#phase = 'entering'
    const { guards } = this.#plan
    for (let index = 0; index < guards.length; index++) {
      if (index === holding) continue
      const admission = guards[index]?.enter(this, now)
      if (admission === undefined && !this.#hasEnded()) continue
      this.#leaveGuards('not-run', now, admission === undefined ? index + 1 : index)
      if (holding >= index) guards[holding]?.exit(this, 'not-run', now)
      if (admission === WAITING) return this.#waitAt(index)
      if (admission !== undefined) return this.#refuse(admission, now)
      return
    }
    this.#run(now)
  }

  #waitAt(index: number): void {
    this.#waitingAt = index
    if (this.#hasEnded()) this.#plan.guards[index]?.leave?.(this)
    else this.#phase = 'waiting'
  }

  /** What it waited for is there; the guards before may have changed their minds meanwhile: a circuit may have opened. */
  admitted(now: number): void {
    this.#enter(now, this.#waitingAt)
  }

  refused(refusal: RefusalError, now: number): void {
    this.#refuse(refusal, now)
  }

  // 3. Run one attempt, under its own time limit.

  #run(now: number): void {
    const { attemptTimeoutMs, clock } = this.#plan
    const epoch = ++this.#epoch
    this.#phase = 'running'
    this.#hasRun = true
    this.#attemptStartedAt = now
    this.#controller = undefined
    this.#abortReason = undefined
    if (attemptTimeoutMs !== Number.POSITIVE_INFINITY) {
      this.#timer = clock.setTimer(() => this.#attemptTimeout(epoch, false), attemptTimeoutMs)
    }
    try {
      // A thenable is taken by Promise.resolve, once; a promise as it is.
      Promise.resolve(this.#fn(this)).then(
        (value) => this.#returned(epoch, value),
        (error: unknown) => this.#threw(epoch, error),
      )
    } catch (error) {
      this.#threw(epoch, error)
    }
  }

  // 4. The outcome: one verdict, told to every guard.

  #returned(epoch: number, value: Awaited<T>): void {
    if (epoch !== this.#epoch) return this.#settledLate(epoch)
    const now = this.#plan.clock.now()
    const verdict = this.#plan.judge.result(value)
    if (verdict === 'success') {
      this.#endAttempt(verdict, now)
      return this.#end('succeeded', () => this.#resolve(value))
    }
    const facts: FailureFacts = { ...describeFailure(value, this.#plan.clock), verdict, kind: 'may-have-happened' }
    this.#endAttempt(verdict, now, value)
    this.#failed(value, facts, now, { isResult: true, giveUp: () => this.#end('failed', () => this.#resolve(value)) })
  }

  #threw(epoch: number, error: unknown): void {
    if (epoch !== this.#epoch) return this.#settledLate(epoch)
    const now = this.#plan.clock.now()
    const facts = this.#plan.judge.error(error)
    // Before the next call in the queue can take a token.
    if (facts.throttled && facts.retryAfterMs !== undefined) this.#plan.limiter?.pauseFor(facts.retryAfterMs)
    this.#endAttempt(facts.verdict, now, error)
    this.#failed(error, facts, now)
  }

  #endAttempt(verdict: Verdict, now: number, error?: unknown): void {
    this.#phase = 'settling'
    this.#epoch++
    this.#timer?.cancel()
    this.#leaveGuards(verdict, now, this.#plan.guards.length, error)
  }

  /** Outermost first: the circuit must have learnt of a failure before the gate hands the slot to the next call. */
  #leaveGuards(verdict: Verdict, now: number, count: number, error?: unknown): void {
    const { guards } = this.#plan
    for (let index = 0; index < count; index++) guards[index]?.exit(this, verdict, now, error)
  }

  // 5. Another attempt, or the end.

  #failed(
    error: unknown,
    facts: FailureFacts,
    now: number,
    how: { readonly isResult: boolean; readonly giveUp: () => void } = {
      isResult: false,
      giveUp: () => this.#fail(error, isRejection(error) ? 'refused' : 'failed'),
    },
  ): void {
    const { retry, wouldRefuseAt } = this.#plan
    // A listener that was told of the outcome may have given up the call.
    if (this.#hasEnded()) return
    if (retry === undefined) return how.giveUp()
    const decision = retry.decide({
      attempt: this.attempt,
      error,
      facts,
      isResult: how.isResult,
      idempotent: this.#options.idempotent,
      startedAt: this.#startedAt,
      now,
      deadlineAt: this.deadlineAt,
      previousDelayMs: this.#attempts.at(-1)?.delayMs,
      wouldRefuseAt,
    })
    const durationMs = now - this.#attemptStartedAt
    if ('delayMs' in decision) {
      const { delayMs } = decision
      this.#attempts.push({ attempt: this.attempt, error, durationMs, delayMs })
      return this.#backOff(error, facts, delayMs)
    }
    if (decision.stop === 'not-retryable') return how.giveUp()
    const { stop: reason, retryAfterMs } = decision
    const { service, operation, attempt } = this
    retry.announceEnd({ service, operation, attempt, error }, reason, facts)
    if (how.isResult) return how.giveUp()
    const attempts = [...this.#attempts, { attempt, error, durationMs, delayMs: 0 }]
    this.#fail(new RetriesExhaustedError(this, { attempts, reason, cause: error, retryAfterMs }), 'failed')
  }

  #backOff(error: unknown, facts: FailureFacts, delayMs: number): void {
    const { retry, events, clock, statistics } = this.#plan
    const { service, operation, attempt } = this
    this.#phase = 'backing-off'
    this.#timer = clock.setTimer(() => {
      this.attempt++
      statistics.retries++
      this.#enter(clock.now())
    }, delayMs)
    retry?.announceRetry({ service, operation, attempt, delayMs, error }, facts)
    if (!events?.any) return
    events.emit({ type: 'retry', at: clock.wallTime(), service, operation, attempt, delayMs, errorCode: facts.code })
  }

  #refuse(refusal: RefusalError, now: number): void {
    const { retry, events, clock } = this.#plan
    const { service, operation, attempt } = this
    if (events?.any) {
      const { code, retryAfterMs } = refusal
      events.emit({ type: 'refused', at: clock.wallTime(), service, operation, attempt, code, retryAfterMs })
    }
    this.#attemptStartedAt = now
    if (retry?.wantsRefusal(refusal)) return this.#failed(refusal, this.#plan.judge.error(refusal), now)
    const last = this.#attempts.at(-1)
    if (last === undefined) return this.#fail(refusal, 'refused')
    const attempts = [...this.#attempts, { attempt, error: refusal, durationMs: 0, delayMs: 0 }]
    const { retryAfterMs } = refusal
    this.#fail(
      new RetriesExhaustedError(this, { attempts, reason: 'refused', cause: last.error, retryAfterMs }),
      'failed',
    )
  }

  // 6. What can end an attempt or the call from outside: its time limits, and its caller.

  #attemptTimeout(epoch: number, stalled: boolean): void {
    const { clock, attemptTimeoutMs, judge } = this.#plan
    const now = clock.now()
    if (!stalled && now - this.#attemptStartedAt - attemptTimeoutMs > LATE_TIMER_MS) {
      this.#timer = clock.setTimer(() => this.#attemptTimeout(epoch, true), GRACE_MS)
      return
    }
    const error = this.#timedOut('attempt', attemptTimeoutMs)
    const facts = judge.error(error)
    const verdict = stalled ? 'neutral' : facts.verdict
    this.#abandon(error, verdict, now)
    this.#failed(error, { ...facts, verdict }, now)
  }

  #totalTimeout(timeoutMs: number, stalled: boolean): void {
    const { clock, attemptTimeoutMs } = this.#plan
    const now = clock.now()
    if (!stalled && now - this.deadlineAt > LATE_TIMER_MS) {
      this.#totalTimer = clock.setTimer(() => this.#totalTimeout(timeoutMs, true), GRACE_MS)
      return
    }
    const error = this.#timedOut('total', timeoutMs)
    // An attempt that was cut short says nothing about the service; one that had had its time does.
    const hadItsTime =
      attemptTimeoutMs === Number.POSITIVE_INFINITY || now - this.#attemptStartedAt >= 0.9 * attemptTimeoutMs
    this.#giveUp(error, !stalled && hadItsTime ? 'failure' : 'neutral', now)
    this.#fail(error, 'failed')
  }

  readonly #onAbort = (): void => {
    const reason: unknown = this.#options.signal?.reason
    this.#giveUp(reason, 'neutral', this.#plan.clock.now())
    this.#end('cancelled', () => this.#reject(reason))
  }

  #giveUp(reason: unknown, verdict: Verdict, now: number): void {
    if (this.#phase === 'running') return this.#abandon(reason, verdict, now)
    if (this.#phase === 'waiting') this.#plan.guards[this.#waitingAt]?.leave?.(this)
    this.#timer?.cancel()
  }

  /** The function may run on, but nobody waits for it any more; its slot stays taken for a while. */
  #abandon(reason: unknown, verdict: Verdict, now: number): void {
    const { slot } = this
    this.slot = undefined
    if (slot !== undefined) this.#abandoned = abandonSlot(slot, this.#epoch, this.#plan.clock, this.#abandoned)
    this.#endAttempt(verdict, now, reason)
    this.#abortReason = reason
    this.#controller?.abort(reason)
  }

  #settledLate(epoch: number): void {
    for (let left = this.#abandoned; left !== undefined; left = left.earlier) {
      if (left.epoch === epoch) left.release()
    }
  }

  #timedOut(scope: 'attempt' | 'total', timeoutMs: number): TimeoutError {
    const { events, clock, statistics } = this.#plan
    const { service, operation, attempt } = this
    statistics.timeouts++
    if (events?.any)
      events.emit({ type: 'timeout', at: clock.wallTime(), service, operation, attempt, scope, timeoutMs })
    const cause = this.#attempts.at(-1)?.error
    return new TimeoutError(this, { scope, timeoutMs, started: this.#hasRun, cause })
  }

  // 7. The end, once.

  #hasEnded(): boolean {
    return this.#phase === 'ended'
  }

  #fail(error: unknown, ending: Ending): void {
    const { fallback } = this.#plan
    if (fallback === undefined || !fallback.handles(error)) return this.#end(ending, () => this.#reject(error))
    this.#end(ending, () => this.#resolve(fallback.substitute(error, this)))
  }

  #end(ending: Ending, settle: () => void): void {
    if (this.#phase === 'ended') return
    this.#phase = 'ended'
    this.#epoch++
    this.#timer?.cancel()
    this.#totalTimer?.cancel()
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
    this.#plan.statistics[ending]++
    settle()
  }
}
