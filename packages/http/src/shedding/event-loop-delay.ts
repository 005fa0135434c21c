import { type Clock, systemClock } from 'holdfast'

/** How often the event loop is asked how late it is, in milliseconds. */
const TICK_MS = 10

/** A loop that waited for less of the time than this had nothing but work. */
const IDLE_SHARE = 0.05

/** For how many milliseconds the event loop has waited for something to do, all in all. */
export type IdleTime = () => number

/** What tells it of a clock's event loop; undefined where nobody does. */
export function idleTimeOf(clock: Clock): IdleTime | undefined {
  const { performance } = globalThis
  const utilization: unknown = Reflect.get(performance, 'eventLoopUtilization')
  if (clock !== systemClock || typeof utilization !== 'function') return undefined
  return () => {
    const { idle, active } = Reflect.apply(utilization, performance, [])
    // A runtime that has the function and measures nothing: then the loop counts as idle.
    return idle + active > 0 ? idle : clock.now()
  }
}

/**
 * How long work waits for the event loop. A timer is set again and again, and what it comes late is the delay; a timer that
 * is overdue tells of the present turn before it has run. It ticks only while somebody asks, and keeps no process alive.
 */
export class EventLoopDelay {
  readonly #clock: Clock
  readonly #idleTime: IdleTime | undefined
  #dueAt = Number.POSITIVE_INFINITY
  #isAskedFor = false
  /** Of the last ticks, the latest counting half. */
  #averageMs = 0
  #idleMs = 0
  #tickedAt = 0
  #busySince = 0

  constructor(clock: Clock, idleTime: IdleTime | undefined = idleTimeOf(clock)) {
    this.#clock = clock
    this.#idleTime = idleTime
  }

  /** The delay in milliseconds, by the last ticks or by what is overdue, whichever is longer. */
  read(): number {
    const now = this.#clock.now()
    if (this.#dueAt === Number.POSITIVE_INFINITY) this.#begin(now)
    this.#isAskedFor = true
    return Math.max(this.#averageMs, now - this.#dueAt)
  }

  /**
   * For how many milliseconds the loop has had nothing but work, asked after {@link read}; 0 where nobody tells. What waits
   * outside is seen in no delay: Node accepts one connection a turn, so under too much load the turns stay short and the
   * queue stands in the kernel.
   */
  get busyForMs(): number {
    return this.#idleTime === undefined ? 0 : this.#clock.now() - this.#busySince
  }

  #begin(now: number): void {
    this.#busySince = now
    this.#tickedAt = now
    this.#idleMs = this.#idleTime?.() ?? 0
    this.#next(now)
  }

  #next(now: number): void {
    this.#dueAt = now + TICK_MS
    this.#isAskedFor = false
    this.#clock.setTimer(() => this.#tick(), TICK_MS, false)
  }

  #tick(): void {
    const now = this.#clock.now()
    this.#averageMs = (this.#averageMs + Math.max(0, now - this.#dueAt)) / 2
    this.#seeIdleness(now)
    if (this.#isAskedFor) {
      this.#next(now)
      return
    }
    this.#dueAt = Number.POSITIVE_INFINITY
    this.#averageMs = 0
  }

  #seeIdleness(now: number): void {
    if (this.#idleTime === undefined) return
    const idleMs = this.#idleTime()
    if (idleMs - this.#idleMs >= IDLE_SHARE * (now - this.#tickedAt)) this.#busySince = now
    this.#idleMs = idleMs
    this.#tickedAt = now
  }
}
