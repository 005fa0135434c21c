/**
 * How a call runs, top to bottom: admitted by the guards, run, told to the guards, tried again or ended. There is one way
 * for all patterns; no wrapper is nested in another. docs/how-a-call-runs.md walks one call through this file.
 */
import { describeFailure, type FailureFacts, type Verdict } from '../failures.ts'
import type { CallOptions, Guarded } from './call.ts'
import { UNREAD } from './call-record.ts'
import { WAITING } from './guard.ts'
import type { Plan } from './plan.ts'
import { RepeatedCall } from './repeated-call.ts'

/** Runs the calls of one pipeline. */
export class Executor<F = never> {
  readonly plan: Plan<F>
  /** The record of a call that has ended, for the next call. Calls that overlap take theirs from all executors together. */
  spare: Execution | undefined = undefined
  #hasCalled = false

  constructor(plan: Plan<F>) {
    this.plan = plan
  }

  /** Calls the function through the guards. What goes on inside has no type; here is where it gets in and out. */
  execute<T>(fn: Guarded<T>, options?: CallOptions): Promise<Awaited<T> | F>
  execute(fn: Guarded<unknown>, options?: CallOptions): Promise<unknown> {
    const spare = this.spare
    if (spare !== undefined) {
      this.spare = undefined
      return spare.begin(fn, options)
    }
    const execution = spares.pop() ?? new Execution(this.plan)
    // Who makes one call and no other, as `retry(fn)` does, must not keep its record.
    execution.serve(this.plan, this.#hasCalled ? this : undefined)
    this.#hasCalled = true
    return execution.begin(fn, options)
  }
}

/** Records of calls that have ended, to be used again: what they are made of is most of what a call would allocate. */
const spares: Execution[] = []
const MOST_SPARES = 1_000

/** One call from beginning to end. */
class Execution extends RepeatedCall {
  /** Who keeps its record for the next call. */
  #home: { spare: Execution | undefined } | undefined = undefined

  serve(plan: Plan<unknown>, home: { spare: Execution | undefined } | undefined): void {
    this.plan = plan
    this.#home = home
  }

  // 1. Begin.

  begin(fn: Guarded<unknown>, options: CallOptions | undefined): Promise<unknown> {
    const { timed, statistics } = this.plan
    if (timed || options !== undefined) {
      const rejected = this.watch(options)
      if (rejected !== undefined) return rejected
    } else {
      statistics.started++
    }
    return this.enter(fn)
  }

  // 2. Admission: the circuit, then the gate; a call that has to wait holds nothing meanwhile.

  protected enter(fn: Guarded<unknown>): Promise<unknown> {
    const { circuit, gate, throttle } = this.plan
    if (throttle !== undefined) {
      const refusal = throttle.enter(this)
      if (refusal !== undefined) return this.refuse(refusal, fn)
    }
    if (circuit !== undefined) {
      const admission = circuit.enter(this)
      if (admission !== undefined) {
        return admission === WAITING ? this.wait('parked', fn) : this.refuse(admission, fn)
      }
    }
    if (gate !== undefined) {
      const admission = gate.enter(this)
      if (admission !== undefined) {
        circuit?.exit(this, 'not-run')
        return admission === WAITING ? this.wait('waiting', fn) : this.refuse(admission, fn)
      }
    }
    return this.run(fn)
  }

  // 3. Run one attempt, under its own time limit.

  protected run(fn: Guarded<unknown>): Promise<unknown> {
    this.fn = fn
    if (this.isWatched && !this.startLimits()) return this.ownAnswer().promise
    const running = this.running
    let settled: Promise<unknown>
    try {
      // A thenable is taken by Promise.resolve, once; a promise as it is.
      const value = fn(running.call(this))
      const promise = value instanceof Promise ? value : Promise.resolve(value)
      settled = promise.then(running.onFulfilled, running.onRejected)
    } catch (error) {
      const { promise } = this.ownAnswer()
      running.onRejected(error)
      return promise
    }
    return this.answer === undefined ? settled : this.answer.promise
  }

  // 4. The outcome: one verdict, told to every guard. What these return or throw, the handlers of the attempt do.

  returned(value: unknown): unknown {
    const { looksAtResults, statistics } = this.plan
    this.time = UNREAD
    if (looksAtResults) {
      const verdict = this.#lookAt(value)
      if (verdict !== 'success') return this.#returnedFailure(value, verdict)
    }
    const { answer } = this
    if (answer === undefined) {
      this.leaveGuards('success')
      statistics.succeeded++
      this.release()
      return value
    }
    this.endAttempt('success')
    if (this.end()) statistics.succeeded++
    answer.resolve(value)
    this.release()
    return undefined
  }

  #lookAt(value: unknown): Verdict {
    const { judge, learner, retryBudget, throttle } = this.plan
    if (learner !== undefined) learner.learnFrom(value)
    const verdict = judge.result(value)
    if (verdict !== 'success') return verdict
    if (retryBudget !== undefined) retryBudget.earn()
    if (throttle !== undefined) throttle.accepted(this.now())
    return verdict
  }

  #returnedFailure(value: unknown, verdict: Verdict): unknown {
    const facts: FailureFacts = { ...describeFailure(value, this.plan.clock), verdict, kind: 'may-have-happened' }
    this.endAttempt(verdict, value)
    return this.failed(value, facts, true)
  }

  threw(error: unknown): unknown {
    this.time = UNREAD
    const facts = this.plan.judge.error(error)
    // Before the next call in the queue can take a token.
    if (facts.throttled) this.plan.limiter?.throttled(facts.retryAfterMs, error)
    this.plan.learner?.learnFrom(error)
    this.endAttempt(facts.verdict, error)
    return this.failed(error, facts)
  }

  // 5. Another attempt, or the end: repeated-call.ts, limited-call.ts.

  /** Keeps the record for another call: after a success and after a refusal, when nobody can hold it any more. */
  protected release(): void {
    this.clear()
    const home = this.#home
    if (home !== undefined && home.spare === undefined) home.spare = this
    else if (spares.length < MOST_SPARES) spares.push(this)
  }
}
