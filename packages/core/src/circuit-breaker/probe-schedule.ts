/** When the next probe of an open circuit may be sent. */
import type { Random } from '../clock.ts'

/** How much an interval varies to either side, so that many clients do not probe in step. */
const JITTER = 0.25

/** The wait is at least this share of the outage's age: an outage of ten minutes is looked at every second or so. */
const AGE_SHARE = 1 / 500

/** How much one gap between calls moves the average. */
const WEIGHT = 0.05

/** The longest that a service's `Retry-After` keeps probes away: one hour, in milliseconds. */
const LONGEST_HINT_MS = 3_600_000

/** What a schedule is made from. */
export interface ProbePacing {
  /** The longest wait, and the exact one while there is no share, in milliseconds. */
  readonly recoveryTimeoutMs: number
  /** The shortest wait, in milliseconds. */
  readonly minProbeIntervalMs: number
  /** Which share of the calls are probes; undefined for the classic breaker. */
  readonly probeShare: number | undefined
}

/**
 * Paces probes by demand: of a hundred calls a second four are sent although the circuit is open, and of one call in ten
 * seconds each. The wait grows with the age of the outage, and the age is forgotten only after the circuit has stayed
 * closed as long as it was open. A `Retry-After` of the service is obeyed.
 */
export class ProbeSchedule {
  readonly #pacing: ProbePacing
  readonly #random: Random
  #meanGapMs = 0
  #lastCallAt = Number.NEGATIVE_INFINITY
  #openedAt = 0
  #closedAt = Number.NEGATIVE_INFINITY
  /** How long it was open before this opening, as far as it is not forgotten. */
  #earlierOpenMs = 0
  #nextAt = 0

  constructor(pacing: ProbePacing, random: Random) {
    this.#pacing = pacing
    this.#random = random
  }

  /** From when on a probe may be sent, on the monotonic scale. */
  get nextAt(): number {
    return this.#nextAt
  }

  /** Counts a call for the rate of demand; asked only while the circuit is not closed or about to open. */
  called(now: number): void {
    const gap = now - this.#lastCallAt
    this.#lastCallAt = now
    if (gap === Number.POSITIVE_INFINITY) return
    this.#meanGapMs = this.#meanGapMs === 0 ? gap : this.#meanGapMs + WEIGHT * (gap - this.#meanGapMs)
  }

  /** The circuit has opened. @param hintMs for how long the service asked not to be called */
  opened(now: number, hintMs: number | undefined): void {
    const closedMs = now - this.#closedAt
    if (closedMs >= this.#earlierOpenMs) this.#earlierOpenMs = 0
    this.#openedAt = now
    this.#plan(now, hintMs)
  }

  /** A probe is sent: with a share, another is not sent at the same time but in its turn. */
  sent(now: number): void {
    if (this.#pacing.probeShare !== undefined) this.#plan(now, undefined)
  }

  /** A probe has failed. */
  failed(now: number, hintMs: number | undefined): void {
    this.#plan(now, hintMs)
  }

  closed(now: number): void {
    this.#earlierOpenMs += now - this.#openedAt
    this.#closedAt = now
  }

  #plan(now: number, hintMs = 0): void {
    const ageMs = this.#earlierOpenMs + now - this.#openedAt
    this.#nextAt = now + Math.max(this.#intervalMs(ageMs), Math.min(hintMs, LONGEST_HINT_MS))
  }

  #intervalMs(ageMs: number): number {
    const { recoveryTimeoutMs, minProbeIntervalMs, probeShare } = this.#pacing
    if (probeShare === undefined) return recoveryTimeoutMs
    const byDemand = this.#meanGapMs / probeShare
    const interval = Math.max(minProbeIntervalMs, byDemand, ageMs * AGE_SHARE)
    const spread = 1 - JITTER + 2 * JITTER * this.#random()
    return Math.min(recoveryTimeoutMs, interval * spread)
  }
}
