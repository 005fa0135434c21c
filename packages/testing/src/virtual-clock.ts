import type { Clock, Timer } from 'holdfast'

interface Due {
  readonly at: number
  readonly order: number
  readonly callback: () => void
  readonly keepsAlive: boolean
}

/**
 * A clock that stands still until a test moves it. Timers run in the order in which they are due; between any two of
 * them all promises that can settle do, so that a test sees exactly what a process with all the time in the world would.
 *
 * @example
 * const clock = new VirtualClock()
 * const breaker = new CircuitBreaker('alpaca', { clock })
 * await clock.advance(30_000)
 */
export class VirtualClock implements Clock {
  #now: number
  #wall: number
  #order = 0
  readonly #due: Due[] = []

  /** @param options `now`: the monotonic reading to begin with (default 0); `wallTime`: milliseconds since 1970 */
  constructor(options: { now?: number; wallTime?: number } = {}) {
    this.#now = options.now ?? 0
    this.#wall = options.wallTime ?? Date.UTC(2026, 0, 5, 14, 30)
  }

  now(): number {
    return this.#now
  }

  wallTime(): number {
    return this.#wall
  }

  setTimer(callback: () => void, delayMs: number, keepsAlive = true): Timer {
    const due: Due = { at: this.#now + Math.max(0, delayMs), order: this.#order++, callback, keepsAlive }
    this.#due.push(due)
    return {
      cancel: () => {
        const index = this.#due.indexOf(due)
        if (index >= 0) this.#due.splice(index, 1)
      },
    }
  }

  /** Time passes, and nothing else can happen meanwhile: timers that fall due run late, at the next {@link advance}. */
  block(durationMs: number): void {
    this.#now += durationMs
    this.#wall += durationMs
  }

  /** How many timers wait. Zero when the library is at rest. */
  get pendingTimers(): number {
    return this.#due.length
  }

  /** How many of the waiting timers would keep the process alive. */
  get pendingTimersThatKeepAlive(): number {
    return this.#due.filter((due) => due.keepsAlive).length
  }

  /** Steps the wall clock, as an operator or NTP would. The monotonic reading does not change. */
  stepWallTime(byMs: number): void {
    this.#wall += byMs
  }

  /** Lets every promise that can settle do so, without time passing. */
  async settle(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve))
  }

  /** Lets time pass: runs what falls due, in order, with all promises settled before, between and after. */
  async advance(durationMs: number): Promise<void> {
    const end = this.#now + durationMs
    await this.settle()
    for (let next = this.#takeDue(end); next !== undefined; next = this.#takeDue(end)) {
      if (next.at > this.#now) {
        this.#wall += next.at - this.#now
        this.#now = next.at
      }
      next.callback()
      await this.settle()
    }
    if (end > this.#now) {
      this.#wall += end - this.#now
      this.#now = end
    }
  }

  /** Lets time pass until no timer waits that keeps the process alive, at most `limitMs`. Returns how long it took. */
  async runToRest(limitMs = 86_400_000): Promise<number> {
    const start = this.#now
    await this.settle()
    for (let next = this.#nextKeepingAlive(); next !== undefined; next = this.#nextKeepingAlive()) {
      if (next.at - start > limitMs) throw new Error(`timers still wait after ${limitMs} ms of virtual time`)
      await this.advance(Math.max(0, next.at - this.#now))
    }
    return this.#now - start
  }

  #nextKeepingAlive(): Due | undefined {
    return this.#due.filter((due) => due.keepsAlive).sort(inOrder)[0]
  }

  #takeDue(end: number): Due | undefined {
    let first: Due | undefined
    for (const due of this.#due) {
      if (due.at <= end && (first === undefined || inOrder(due, first) < 0)) first = due
    }
    if (first !== undefined) this.#due.splice(this.#due.indexOf(first), 1)
    return first
  }
}

function inOrder(a: Due, b: Due): number {
  return a.at - b.at || a.order - b.order
}
