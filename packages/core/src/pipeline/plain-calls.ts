/**
 * The short way: a call that is let through at once and succeeds. Nothing need be remembered of it but which state of the
 * circuit let it through, and that is the same for all, so that they share one record and its two handlers.
 */
import type { Gate, Lack } from '../gate/gate.ts'
import type { Call, Guarded } from './call.ts'
import type { CircuitMarks, Guard } from './guard.ts'
import type { Plan } from './plan.ts'
import { takenOnce } from './thenable.ts'

/** The generation of no circuit: the first call asks for the one there is. */
const NO_GENERATION = -2

/** Where a call that does not stay on the short way gets a record of its own. */
export interface WholeWay {
  record(): WholeCall
}

/** A call with a record of its own. */
export interface WholeCall {
  /** Begins with a call that the gate has not let through at once. */
  beginLater(fn: Guarded<unknown>, lack: Lack): Promise<unknown>
  /** Goes on with a call that has failed, and tells its outcome next. @param fn undefined where nothing is tried again */
  takeOver(fn: Guarded<unknown> | undefined, marks: CircuitMarks): this
  /** @returns what follows, or throws it */
  threw(error: unknown): unknown
  /** The same where the function has thrown instead of returning a promise. */
  threwAtOnce(error: unknown): Promise<unknown>
}

/** The calls of one plan that have no options. */
export class PlainCalls {
  readonly #plan: Plan<unknown>
  readonly #circuit: Guard | undefined
  readonly #gate: Gate | undefined
  readonly #wholeWay: WholeWay
  #record: PlainRecord

  private constructor(plan: Plan<unknown>, wholeWay: WholeWay) {
    this.#plan = plan
    this.#circuit = plan.circuit
    this.#gate = plan.gate
    this.#wholeWay = wholeWay
    this.#record = new PlainRecord(plan, wholeWay, NO_GENERATION)
  }

  /** @returns undefined when each call of the plan has something of its own: a time, a limit, a result to look at */
  static of(plan: Plan<unknown>, wholeWay: WholeWay): PlainCalls | undefined {
    const { timed, latency, throttle, looksAtResults, gate } = plan
    const isPlain = !timed && !looksAtResults && latency === undefined && throttle === undefined && !gate?.isAdaptive
    return isPlain ? new PlainCalls(plan, wholeWay) : undefined
  }

  /** @returns undefined when the circuit has to be asked */
  execute(fn: Guarded<unknown>): Promise<unknown> | undefined {
    const circuit = this.#circuit
    if (circuit !== undefined && circuit.closedGeneration !== this.#record.circuitGeneration && !this.#renew(circuit)) {
      return undefined
    }
    // Taken now: the function may change the circuit.
    const record = this.#record
    const gate = this.#gate
    if (gate !== undefined) {
      const lack = gate.enterPlain()
      if (lack !== 'nothing') return this.#wholeWay.record().beginLater(fn, lack)
    }
    const { statistics, service, retry } = this.#plan
    statistics.started++
    try {
      const promise = takenOnce(fn(new PlainCall(service)))
      const handlers = retry === undefined ? record : handlersFor(record, fn)
      return promise.then(handlers.onFulfilled, handlers.onRejected)
    } catch (error) {
      return this.#wholeWay.record().takeOver(fn, record).threwAtOnce(error)
    }
  }

  /** The circuit has changed: those on their way keep the record of the state that let them through. */
  #renew({ closedGeneration }: Guard): boolean {
    if (closedGeneration < 0) return false
    this.#record = new PlainRecord(this.#plan, this.#wholeWay, closedGeneration)
    return true
  }
}

/** What the circuit knows of every plain call. */
class PlainRecord implements CircuitMarks {
  readonly key = undefined
  readonly circuitGeneration: number = NO_GENERATION
  circuitProbe = -1
  circuitShard = undefined
  shardGeneration = 0
  readonly #plan: Plan<unknown>
  readonly #circuit: Guard | undefined
  readonly #gate: Gate | undefined
  readonly #wholeWay: WholeWay

  constructor(plan: Plan<unknown>, wholeWay: WholeWay, circuitGeneration: number) {
    this.#plan = plan
    this.#circuit = plan.circuit
    this.#gate = plan.gate
    this.#wholeWay = wholeWay
    this.circuitGeneration = circuitGeneration
  }

  now(): number {
    return this.#plan.reading.now()
  }

  /** Never asked: a plan whose guards want to know is not plain. */
  durationMs(): number {
    return 0
  }

  readonly onFulfilled = (value: unknown): unknown => {
    this.#circuit?.exit(this, 'success')
    this.#gate?.exitPlain()
    this.#plan.statistics.succeeded++
    return value
  }

  readonly onRejected = (error: unknown): unknown => this.failed(error)

  failed(error: unknown, fn?: Guarded<unknown>): unknown {
    return this.#wholeWay.record().takeOver(fn, this).threw(error)
  }
}

/** The handlers of a call that may be tried again, and so needs its function once more. They are used again and again. */
class RetryHandlers {
  #record: PlainRecord | undefined = undefined
  #fn: Guarded<unknown> | undefined = undefined

  serve(record: PlainRecord, fn: Guarded<unknown>): void {
    this.#record = record
    this.#fn = fn
  }

  readonly onFulfilled = (value: unknown): unknown => {
    const record = this.#record
    this.#release()
    return record?.onFulfilled(value)
  }

  readonly onRejected = (error: unknown): unknown => {
    const record = this.#record
    const fn = this.#fn
    this.#release()
    return record?.failed(error, fn)
  }

  #release(): void {
    this.#record = undefined
    this.#fn = undefined
    if (spares.length < MOST_SPARES) spares.push(this)
  }
}

const spares: RetryHandlers[] = []
const MOST_SPARES = 1_000

function handlersFor(record: PlainRecord, fn: Guarded<unknown>): RetryHandlers {
  const handlers = spares.pop() ?? new RetryHandlers()
  handlers.serve(record, fn)
  return handlers
}

/** What is left to a call that nothing can end. */
const forever = (): number => Number.POSITIVE_INFINITY

/** A plain call as its function sees it: nothing can end it, and there is no other attempt before it. */
class PlainCall implements Call {
  readonly service: string | undefined
  #signal: AbortSignal | undefined = undefined

  constructor(service: string | undefined) {
    this.service = service
  }

  get attempt(): number {
    return 1
  }

  get operation(): undefined {
    return undefined
  }

  get signal(): AbortSignal {
    this.#signal ??= new AbortController().signal
    return this.#signal
  }

  get remainingMs(): () => number {
    return forever
  }
}
