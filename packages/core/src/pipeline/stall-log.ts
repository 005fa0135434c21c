/** A timer that fires later than this was held up by our own event loop, in milliseconds. */
export const LATE_TIMER_MS = 20

/**
 * A time of which our own stalls took this share proves nothing. Of less it does: a process that is busy is a little late all
 * the time, and must still see that a service hangs.
 */
const SHARE_THAT_SPOILS = 0.5

/** How often our event loop stood still, as plain data. */
export interface StallSnapshot {
  readonly count: number
  readonly totalMs: number
}

/**
 * When our own event loop stood still: by a long computation, the collector, or a machine that was suspended. What was
 * measured across a stall says nothing about anybody else. It is seen by timers that fire late; while calls with a time
 * limit are under way there is always one that is due soon.
 */
export class StallLog {
  /** When the last one ended, on the monotonic scale. */
  until: number = Number.NEGATIVE_INFINITY
  /** How long all of them lasted together, in milliseconds. */
  totalMs = 0
  /** When the last one began, as far as a timer can tell. */
  #from = Number.NEGATIVE_INFINITY
  #count = 0

  /** A timer that was due at the one time fired at the other. Of several that were late the time counts once. */
  note(due: number, firedAt: number): void {
    if (firedAt - due <= LATE_TIMER_MS) return
    if (due >= this.until) {
      this.#count++
      this.#from = due
    }
    this.totalMs += Math.max(0, firedAt - Math.max(due, this.until))
    this.until = Math.max(this.until, firedAt)
  }

  /** Whether stalls took so much of a time that what did not happen in it proves nothing. @param before `totalMs` at its beginning */
  spoilt(before: number, durationMs: number): boolean {
    return this.totalMs - before >= SHARE_THAT_SPOILS * durationMs
  }

  /** Whether the last stall took so much of what has just ended that its duration proves nothing. */
  distorts(startedAt: number, now: number): boolean {
    return this.until - Math.max(this.#from, startedAt) >= SHARE_THAT_SPOILS * (now - startedAt)
  }

  snapshot(): StallSnapshot {
    return { count: this.#count, totalMs: this.totalMs }
  }
}
