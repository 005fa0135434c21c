/**
 * How a call runs, top to bottom: admitted by the guards, run, told to the guards, tried again or ended. There is one way
 * for all patterns; no wrapper is nested in another. docs/how-a-call-runs.md walks one call through this file. A call that
 * needs nothing but to be let through, and succeeds, goes a short way of it: plain-calls.ts.
 */
import { describeFailure, type FailureFacts, type Verdict } from '../failures.ts'
import type { Lack } from '../gate/gate.ts'
import { type CallOptions, type Guarded, noFunction } from './call.ts'
import { UNREAD } from './call-record.ts'
import { type Admission, type CircuitMarks, WAITING } from './guard.ts'
import { PlainCalls, type WholeCall, type WholeWay } from './plain-calls.ts'
import type { Plan } from './plan.ts'
import { RepeatedCall } from './repeated-call.ts'
import { takenOnce } from './thenable.ts'

/** Runs the calls of one pipeline. */
export class Executor<F = never> implements WholeWay {
  readonly plan: Plan<F>
  /** The record of a call that has ended, for the next call. Calls that overlap take theirs from all executors together. */
  spare: Execution | undefined = undefined
  readonly #plain: PlainCalls | undefined
  #hasCalled = false

  constructor(plan: Plan<F>) {
    this.plan = plan
    this.#plain = PlainCalls.of(plan, this)
  }

  /** Calls the function through the guards. What goes on inside has no type; here is where it gets in and out. */
  execute<T>(fn: Guarded<T>, options?: CallOptions): Promise<Awaited<T> | F>
  execute(fn: Guarded<unknown>, options?: CallOptions): Promise<unknown> {
    if (typeof fn !== 'function') return Promise.reject(noFunction(fn))
    if (options === undefined && this.#plain !== undefined) {
      const answer = this.#plain.execute(fn)
      if (answer !== undefined) return answer
    }
    return this.record().begin(fn, options)
  }

  /** A record for a call that does not go the short way, or leaves it. */
  record(): Execution {
    const { spare } = this
    if (spare !== undefined) {
      this.spare = undefined
      return spare
    }
    const execution = spares.pop() ?? new Execution(this.plan)
    // Who makes one call and no other, as `retry(fn)` does, must not keep its record.
    execution.serve(this.plan, this.#hasCalled ? this : undefined)
    this.#hasCalled = true
    return execution
  }
}

/** Records of calls that have ended, to be used again: what they are made of is most of what a call would allocate. */
const spares: Execution[] = []
const MOST_SPARES = 1_000

/** One call from beginning to end. */
class Execution extends RepeatedCall implements WholeCall {
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

  // What leaves the short way comes in here.

  beginLater(fn: Guarded<unknown>, lack: Lack): Promise<unknown> {
    const { circuit, gate, statistics } = this.plan
    statistics.started++
    // It is closed, or the gate would not have been asked.
    circuit?.enter(this)
    this.admittedAt = -1
    return this.#goOn(gate?.enterLater(this, lack), fn)
  }

  takeOver(fn: Guarded<unknown> | undefined, { circuitGeneration }: CircuitMarks): this {
    this.fn = fn
    this.circuitGeneration = circuitGeneration
    this.admittedAt = -1
    this.slot = this.plan.gate?.plainSlot
    return this
  }

  threwAtOnce(error: unknown): Promise<unknown> {
    const { promise } = this.ownAnswer()
    this.threw(error)
    return promise
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
    return this.#goOn(gate?.enter(this), fn)
  }

  #goOn(admission: Admission, fn: Guarded<unknown>): Promise<unknown> {
    if (admission === undefined) return this.run(fn)
    this.plan.circuit?.exit(this, 'not-run')
    return admission === WAITING ? this.wait('waiting', fn) : this.refuse(admission, fn)
  }

  // 3. Run one attempt, under its own time limit.

  protected run(fn: Guarded<unknown>): Promise<unknown> {
    this.fn = fn
    if (this.isWatched && !this.startLimits()) return this.ownAnswer().promise
    const running = this.running
    let settled: Promise<unknown>
    try {
      settled = takenOnce(fn(running.call(this))).then(running.onFulfilled, running.onRejected)
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
      this.settling()
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
    const { judge, learner } = this.plan
    if (learner !== undefined) learner.learnFrom(value)
    const verdict = judge.result(value)
    if (verdict === 'success') this.#accepted()
    return verdict
  }

  /** The service did its work, be it that it said no. */
  #accepted(): void {
    const { retryBudget, throttle } = this.plan
    if (retryBudget !== undefined) retryBudget.earn()
    if (throttle !== undefined) throttle.accepted(this.now())
  }

  #returnedFailure(value: unknown, verdict: Verdict): unknown {
    const facts: FailureFacts = { ...describeFailure(value, this.plan.clock), verdict, kind: 'may-have-happened' }
    this.endAttempt(verdict, value)
    return this.failed(value, facts, true)
  }

  threw(error: unknown): unknown {
    this.time = UNREAD
    this.settling()
    const facts = this.plan.judge.error(error)
    // Before the next call in the queue can take a token.
    if (facts.throttled) this.plan.limiter?.throttled(facts.retryAfterMs, error)
    this.plan.learner?.learnFrom(error)
    if (facts.verdict === 'success') this.#accepted()
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
