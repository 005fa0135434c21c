/** One attempt under way: the function has been called and has not settled. */
import type { Clock, Timer } from '../clock.ts'
import type { Call } from './call.ts'
import type { Slot } from './guard.ts'

/** How long the slot of an attempt that was given up stays taken at most, in milliseconds. */
export const ABANDON_AFTER_MS = 1_000

/** Whose attempt it is. What its methods return or throw is what the handlers of the attempt return or throw. */
export interface AttemptOwner extends Pick<Call, 'attempt' | 'service' | 'operation'> {
  remainingMs(): number
  returned(value: unknown): unknown
  threw(error: unknown): unknown
}

/**
 * Connects an attempt with its call, until the call gives it up: after that nothing which arrives from it matters, but
 * that its slot is free.
 *
 * Its two handlers are made once and serve one attempt after the other. Two closures for every attempt, and what they
 * close over, would cost as much as all the guards together (bench: `breaker`).
 */
export class RunningAttempt {
  #owner: AttemptOwner | undefined
  /** Grows when an attempt has settled: who still holds its {@link AttemptCall} is told nothing about the next. */
  #serial = 0
  #controller: AbortController | undefined = undefined
  #abortReason: unknown = undefined
  #slot: Slot | undefined = undefined
  #slotTimer: Timer | undefined = undefined

  constructor(owner: AttemptOwner) {
    this.#owner = owner
  }

  /** What the function is given. */
  call(owner: AttemptOwner): Call {
    return new AttemptCall(this, this.#serial, owner)
  }

  readonly onFulfilled = (value: unknown): unknown => {
    if (this.#owner === undefined) return this.#freeSlot()
    this.#land()
    return this.#owner.returned(value)
  }

  readonly onRejected = (error: unknown): unknown => {
    if (this.#owner === undefined) return this.#freeSlot()
    this.#land()
    return this.#owner.threw(error)
  }

  /** The function has not been called after all, or has thrown. */
  #land(): void {
    this.#serial++
    if (this.#controller !== undefined) this.#controller = undefined
  }

  /**
   * Gives the attempt up while its function still runs. The slot stays taken, because the connection behind it still is:
   * a bulkhead that forgets this protects nothing. It is free as soon as the function settles, at the latest after
   * {@link ABANDON_AFTER_MS}.
   */
  detach(slot: Slot | undefined, clock: Clock): void {
    this.#owner = undefined
    if (slot === undefined) return
    this.#slot = slot
    slot.abandon()
    this.#slotTimer = clock.setTimer(() => this.#freeSlot(), ABANDON_AFTER_MS, false)
  }

  /** Tells the function that nobody waits for it any more. */
  abort(reason: unknown): void {
    this.#abortReason = reason
    this.#controller?.abort(reason)
  }

  #freeSlot(): undefined {
    const slot = this.#slot
    if (slot === undefined) return
    this.#slot = undefined
    this.#slotTimer?.cancel()
    slot.releaseAbandoned()
  }

  /** For {@link AttemptCall}: the signal of the attempt with that number. */
  signalOf(serial: number): AbortSignal {
    if (serial !== this.#serial) return new AbortController().signal
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#abortReason !== undefined) this.#controller.abort(this.#abortReason)
    }
    return this.#controller.signal
  }

  /** For {@link AttemptCall}: what is left to the call of the attempt with that number. */
  remainingMsOf(serial: number): number {
    return serial === this.#serial && this.#owner !== undefined ? this.#owner.remainingMs() : 0
  }
}

/** An attempt as its function sees it. */
class AttemptCall implements Call {
  readonly attempt: number
  readonly service: string | undefined
  readonly operation: string | undefined
  readonly #running: RunningAttempt
  readonly #serial: number = 0
  #signal: AbortSignal | undefined = undefined

  constructor(running: RunningAttempt, serial: number, owner: AttemptOwner) {
    this.attempt = owner.attempt
    this.service = owner.service
    this.operation = owner.operation
    this.#running = running
    this.#serial = serial
  }

  get signal(): AbortSignal {
    if (this.#signal === undefined) this.#signal = this.#running.signalOf(this.#serial)
    return this.#signal
  }

  /** Made when it is read, as the signal is: a method would lose its `this` when it is taken out. */
  get remainingMs(): () => number {
    return () => this.#running.remainingMsOf(this.#serial)
  }
}
