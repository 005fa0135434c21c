import type { Clock, Timer } from '../clock.ts'

/** A call that waits for the outcome of a probe. */
export interface ParkedCall {
  /** Where it waits. */
  parking: Parking | undefined
  /** Asks for admission once more. */
  reenter(now: number): void
}

/**
 * Where the first callers of an outage wait for its first probe, so that an outage which is over after a moment costs them
 * nothing. Each waits once: when the probe has failed, or has no answer by the time that the parking closes, all are refused.
 */
export class Parking {
  readonly #clock: Clock
  readonly #most: number = 0
  readonly #openForMs: number = 0
  readonly #wakeInMs: (now: number) => number
  readonly #waiting = new Set<ParkedCall>()
  readonly #returning = new WeakSet<ParkedCall>()
  #closesAt = Number.NEGATIVE_INFINITY
  #timer: Timer | undefined

  /** @param wakeInMs in how many milliseconds one of those who wait may be a probe, or an unanswered probe has failed */
  constructor(clock: Clock, most: number, openForMs: number, wakeInMs: (now: number) => number) {
    this.#clock = clock
    this.#most = most
    this.#openForMs = openForMs
    this.#wakeInMs = wakeInMs
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.size
  }

  /** An outage has begun. */
  open(now: number): void {
    this.#closesAt = now + this.#openForMs
  }

  /** Takes a call in, if it is early and there is room. @param probeInMs how long until a probe is sent; 0 when one is out */
  tryPark(call: ParkedCall, now: number, probeInMs: number): boolean {
    if (now + probeInMs >= this.#closesAt || this.#waiting.size >= this.#most || this.#returning.has(call)) return false
    this.#waiting.add(call)
    call.parking = this
    if (this.#timer === undefined) this.wake(now)
    return true
  }

  /** With nobody else calling, one of those who wait becomes the probe: finds out anew when that is. */
  wake(now: number): void {
    this.#rest()
    if (this.#waiting.size === 0) return
    const leftMs = this.#closesAt - now
    const probeInMs = this.#wakeInMs(now)
    this.#timer =
      probeInMs < leftMs
        ? this.#clock.setTimer(() => this.#probe(), probeInMs)
        : this.#clock.setTimer(() => this.release(this.#clock.now()), Math.max(0, leftMs))
  }

  /** A call is given up. */
  leave(call: ParkedCall): void {
    this.#remove(call)
    if (this.#waiting.size === 0) this.#rest()
  }

  /** The circuit has changed: all ask once more, and none is taken in again. */
  release(now: number): void {
    const calls = [...this.#waiting]
    this.#closesAt = Number.NEGATIVE_INFINITY
    this.#rest()
    for (const call of calls) this.#remove(call)
    for (const call of calls) call.reenter(now)
  }

  #probe(): void {
    this.#timer = undefined
    const [first] = this.#waiting
    if (first === undefined) return
    this.#remove(first)
    this.#returning.add(first)
    first.reenter(this.#clock.now())
    this.#returning.delete(first)
    if (this.#timer === undefined) this.wake(this.#clock.now())
  }

  #remove(call: ParkedCall): void {
    this.#waiting.delete(call)
    call.parking = undefined
  }

  #rest(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
