import type { Clock, Timer } from 'holdfast'

/** A callback that waits for its time. */
interface Due {
  readonly at: number
  readonly callback: () => void
  readonly keepsAlive: boolean
  timer: Timer
}

/** A clock that runs with another and can be moved forward: limits, bans, lags and fills of the stand-ins go by it. */
export class SimulatedClock implements Clock {
  readonly #clock: Clock
  readonly #due = new Set<Due>()
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

  setTimer(callback: () => void, delayMs: number, keepsAlive = true): Timer {
    const due: Due = { at: this.now() + Math.max(0, delayMs), callback, keepsAlive, timer: NO_TIMER }
    this.#due.add(due)
    this.#await(due)
    return {
      cancel: () => {
        due.timer.cancel()
        this.#due.delete(due)
      },
    }
  }

  block(durationMs: number): void {
    this.#clock.block(durationMs)
  }

  /** Jumps forward: what falls due by it runs now, in the order in which it was due. */
  advance(byMs: number): void {
    this.#ahead += byMs
    const now = this.now()
    const due = [...this.#due].filter(({ at }) => at <= now).sort((a, b) => a.at - b.at)
    for (const one of due) this.#run(one)
    for (const one of this.#due) this.#await(one)
  }

  #await(due: Due): void {
    due.timer.cancel()
    due.timer = this.#clock.setTimer(() => this.#run(due), Math.max(0, due.at - this.now()), due.keepsAlive)
  }

  #run(due: Due): void {
    due.timer.cancel()
    if (this.#due.delete(due)) due.callback()
  }
}

const NO_TIMER: Timer = { cancel: () => undefined }
