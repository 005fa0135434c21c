import type { Clock, Timer } from 'holdfast'

/** A clock that runs with another and can be moved forward: limits, bans and lags of the stand-ins go by it. */
export class SimulatedClock implements Clock {
  readonly #clock: Clock
  #ahead = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  now(): number {
    return this.#clock.now() + this.#ahead
  }

  wallTime(): number {
    return this.#clock.wallTime() + this.#ahead
  }

  setTimer(callback: () => void, delayMs: number, keepsAlive?: boolean): Timer {
    return this.#clock.setTimer(callback, delayMs, keepsAlive)
  }

  block(durationMs: number): void {
    this.#clock.block(durationMs)
  }

  advance(byMs: number): void {
    this.#ahead += byMs
  }
}
