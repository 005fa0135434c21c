import { type Clock, InvalidOptionError, type Timer } from 'holdfast'
import { checkNumber } from '../checks.ts'
import { type Due, EventQueue } from './event-queue.ts'
import { whenSettled, wholeTurn } from './turns.ts'

/**
 * A clock that stands still until a test moves it. Timers run in the order in which they are due; between any two of
 * them all promises that can settle do, so that a test sees exactly what a process with all the time in the world would.
 *
 * As in an event loop there are three kinds of events. When several are due, which happens after {@link block}, timers come
 * first, then what arrived from outside ({@link receiveAt}), then what was put off to the end of the turn
 * ({@link setImmediate}).
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
  readonly #timers = new EventQueue()
  readonly #arrivals = new EventQueue()
  readonly #immediates = new EventQueue()

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
    if (Number.isNaN(delayMs)) throw new InvalidOptionError('delayMs', delayMs, 'it must be a number of milliseconds')
    return this.#add(this.#timers, callback, this.#now + Math.max(0, delayMs), keepsAlive)
  }

  /**
   * Something from outside arrives at that time on the monotonic scale: an answer on a socket, a signal. If the process is
   * held up by then, timers that fell due meanwhile run before it, as they do in an event loop. The time may lie in the
   * past: the world outside goes on while the process is held up, and what it did is seen in its order afterwards.
   */
  receiveAt(at: number, callback: () => void): Timer {
    return this.#add(this.#arrivals, callback, at, true)
  }

  /** Runs `callback` after the timers and arrivals that are due now. */
  setImmediate(callback: () => void): Timer {
    return this.#add(this.#immediates, callback, this.#now, true)
  }

  /** Time passes, and nothing else can happen meanwhile: what falls due is late, and comes at the next {@link advance}. */
  block(durationMs: number): void {
    checkNumber('durationMs', durationMs, { least: 0 })
    this.#now += durationMs
    this.#wall += durationMs
  }

  /** How many timers wait. Zero when the library is at rest. */
  get pendingTimers(): number {
    return this.#timers.waiting
  }

  /** How many of the waiting timers would keep the process alive. */
  get pendingTimersThatKeepAlive(): number {
    return [...this.#timers].filter((due) => due.keepsAlive).length
  }

  /** Steps the wall clock, as an operator or NTP would. The monotonic reading does not change. */
  stepWallTime(byMs: number): void {
    this.#wall += byMs
  }

  /** Forgets everything that waits: nothing of a test that is over reaches into the next. */
  clear(): void {
    for (const queue of [this.#timers, this.#arrivals, this.#immediates]) queue.clear()
  }

  /** Lets every promise that can settle do so, without time passing. */
  async settle(): Promise<void> {
    await wholeTurn()
  }

  /** Lets time pass: runs what falls due, in order, with all promises settled before, between and after. */
  async advance(durationMs: number): Promise<void> {
    checkNumber('durationMs', durationMs, { least: 0 })
    const end = this.#now + durationMs
    await wholeTurn()
    await this.#run(end)
    await wholeTurn()
    this.#moveTo(end)
  }

  /** Lets time pass until no timer waits that keeps the process alive, at most `limitMs`. Returns how long it took. */
  async runToRest(limitMs = 86_400_000): Promise<number> {
    const start = this.#now
    await wholeTurn()
    for (let at = this.#nextKeepingAlive(); at !== undefined; at = this.#nextKeepingAlive()) {
      if (at - start > limitMs) throw new Error(`timers still wait after ${limitMs} ms of virtual time`)
      await this.advance(Math.max(0, at - this.#now))
    }
    return this.#now - start
  }

  #add(queue: EventQueue, callback: () => void, at: number, keepsAlive: boolean): Timer {
    const due: Due = { at, order: this.#order++, callback, keepsAlive, over: false }
    queue.add(due)
    return { cancel: () => queue.cancel(due) }
  }

  /** Runs what is due up to `end`; an error of a callback ends it. */
  #run(end: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const step = (): void => {
        const due = this.#takeDue(end)
        if (due === undefined) return resolve()
        this.#moveTo(due.at)
        try {
          due.callback()
        } catch (error) {
          return reject(error)
        }
        whenSettled(step)
      }
      step()
    })
  }

  #takeDue(end: number): Due | undefined {
    const now = this.#now
    const timer = this.#timers.first
    if (timer !== undefined && timer.at <= now) return this.#timers.take()
    const arrival = this.#arrivals.first
    if (arrival !== undefined && arrival.at <= now) return this.#arrivals.take()
    if (this.#immediates.first !== undefined) return this.#immediates.take()
    const timerAt = timer?.at ?? Number.POSITIVE_INFINITY
    const arrivalAt = arrival?.at ?? Number.POSITIVE_INFINITY
    if (Math.min(timerAt, arrivalAt) > end) return undefined
    return timerAt <= arrivalAt ? this.#timers.take() : this.#arrivals.take()
  }

  #moveTo(time: number): void {
    if (time <= this.#now) return
    this.#wall += time - this.#now
    this.#now = time
  }

  #nextKeepingAlive(): number | undefined {
    let next: number | undefined
    for (const queue of [this.#timers, this.#arrivals, this.#immediates]) {
      for (const { at, keepsAlive } of queue) {
        if (keepsAlive && (next === undefined || at < next)) next = at
      }
    }
    return next
  }
}
