import type { Clock, Timer } from 'holdfast'
import { CallerGoneError, DeadlinePassedError } from './errors.ts'

/** What a call takes of its caller's patience: part of the options of every call through Holdfast. */
export interface CallerOptions {
  readonly signal?: AbortSignal
  readonly deadlineMs?: number
}

/**
 * Who waits for the answer to a request: how long still, and whether he has gone.
 *
 * @example
 * const quote = await polygon.execute(({ signal }) => getQuote(symbol, signal), caller.forRead())
 * const order = await broker.submitOrder(body, caller.forOrder())
 */
export class Caller {
  readonly #clock: Clock
  readonly #arrivedAt: number
  readonly #deadlineMs: number
  #controller: AbortController | undefined
  #timer: Timer | undefined
  #isOver: 'no' | 'answered' | 'gone' = 'no'

  /** @param deadlineMs how long he waits, in milliseconds; Infinity if he did not say */
  constructor(clock: Clock, deadlineMs: number) {
    this.#clock = clock
    this.#arrivedAt = clock.now()
    this.#deadlineMs = deadlineMs
  }

  /** For how many more milliseconds he waits: 0 when his time has passed, Infinity if he did not say. */
  remainingMs(): number {
    return Math.max(0, this.#arrivedAt + this.#deadlineMs - this.#clock.now())
  }

  /** Aborted when he hangs up, and when his time has passed; the reason tells which. Made only when it is read. */
  get signal(): AbortSignal {
    this.#controller ??= this.#watch(new AbortController())
    return this.#controller.signal
  }

  /** Options of a call that only reads: it ends when nobody waits for it any more. @throws DeadlinePassedError */
  forRead(): CallerOptions {
    return { signal: this.signal, ...this.forOrder() }
  }

  /**
   * Options of a call that changes something: it does not begin after the deadline and does not wait beyond it, but what was
   * sent is not given up because the client is gone.
   *
   * @throws DeadlinePassedError
   */
  forOrder(): CallerOptions {
    if (this.#deadlineMs === Number.POSITIVE_INFINITY) return {}
    const remainingMs = this.remainingMs()
    if (remainingMs === 0) throw new DeadlinePassedError(this.#deadlineMs)
    return { deadlineMs: Math.max(1, remainingMs) }
  }

  /** For the middleware: he has his answer, or has gone without it. */
  end(how: 'answered' | 'gone'): void {
    if (this.#isOver !== 'no') return
    this.#isOver = how
    this.#timer?.cancel()
    if (how === 'gone') this.#controller?.abort(new CallerGoneError())
  }

  #watch(controller: AbortController): AbortController {
    const remainingMs = this.remainingMs()
    if (this.#isOver === 'gone') controller.abort(new CallerGoneError())
    else if (this.#isOver === 'no' && remainingMs !== Number.POSITIVE_INFINITY) {
      const late = (): void => controller.abort(new DeadlinePassedError(this.#deadlineMs))
      this.#timer = this.#clock.setTimer(late, remainingMs, false)
    }
    return controller
  }
}
