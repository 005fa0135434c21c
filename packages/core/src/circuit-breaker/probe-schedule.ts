/** When the next probe of an open circuit may be sent. */
import type { Random } from '../clock.ts'
import { Demand } from './demand.ts'

/** How much an interval varies to either side, so that many clients do not probe in step. */
const JITTER = 0.25

/**
 * The wait is at least this share of the outage's age, but not so long that less than this part of `probeShare` is left: an
 * outage that lasts is looked at less often, and still often.
 */
const AGE_SHARE = 1 / 48
const LEAST_PART = 0.19

/**
 * Many outages are over after a moment: the first probe comes so many times sooner, and those of a young outage do, up to
 * an age in milliseconds.
 */
const FIRST_SOONER = 4
const YOUNG_SOONER = 1.5
const YOUNG_MS = 3_000

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
 * Paces probes by demand: of a hundred calls a second four are sent although the circuit is open, and of a call now and then
 * one each `recoveryTimeoutMs`. The wait grows with the age of the outage, and the age is forgotten only after the circuit has stayed
 * closed as long as it was open. A `Retry-After` of the service is obeyed.
 */
export class ProbeSchedule {
  readonly #pacing: ProbePacing
  readonly #random: Random
  readonly #demand = new Demand()
  #openedAt = 0
  #closedAt = Number.NEGATIVE_INFINITY
  /** How long it was open before this opening, as far as it is not forgotten. */
  #earlierOpenMs = 0
  #plannedAt = 0
  #sooner = 1
  #spread = 1
  /** The service does not want to be called before. */
  #earliestAt = 0
  #nextAt = 0

  constructor(pacing: ProbePacing, random: Random) {
    this.#pacing = pacing
    this.#random = random
  }

  /** How long the last outages lasted, as far as they are not forgotten, in milliseconds. */
  get earlierOpenMs(): number {
    return this.#earlierOpenMs
  }

  /** From when on a probe may be sent, on the monotonic scale: sooner when it turns out that more is asked for. */
  nextAt(now: number): number {
    this.#nextAt = Math.min(this.#nextAt, Math.max(this.#earliestAt, this.#plannedAt + this.#intervalMs(now)))
    return this.#nextAt
  }

  /** Counts a call, admitted or not, for the demand. */
  called(now: number): void {
    this.#demand.called(now)
  }

  /** The circuit has opened. @param hintMs for how long the service asked not to be called */
  opened(now: number, hintMs: number | undefined): void {
    const closedMs = now - this.#closedAt
    if (closedMs >= this.#earlierOpenMs) this.#earlierOpenMs = 0
    this.#openedAt = now
    this.#plan(now, hintMs, FIRST_SOONER)
  }

  /** A probe is sent: with a share, another is not sent at the same time but in its turn. */
  sent(now: number): void {
    if (this.#pacing.probeShare !== undefined) this.#plan(now)
  }

  /** A probe has failed. With a share the next is due as planned when it was sent: one that hangs is one call too. */
  failed(now: number, hintMs: number | undefined): void {
    if (this.#pacing.probeShare === undefined || hintMs !== undefined) this.#plan(now, hintMs)
  }

  closed(now: number): void {
    this.#earlierOpenMs += now - this.#openedAt
    this.#closedAt = now
  }

  #plan(now: number, hintMs = 0, sooner = now - this.#openedAt < YOUNG_MS ? YOUNG_SOONER : 1): void {
    this.#plannedAt = now
    this.#sooner = sooner
    this.#spread = 1 - JITTER + 2 * JITTER * this.#random()
    this.#earliestAt = now + Math.min(hintMs, LONGEST_HINT_MS)
    this.#nextAt = Number.POSITIVE_INFINITY
    this.#nextAt = this.nextAt(now)
  }

  #intervalMs(now: number): number {
    const { recoveryTimeoutMs, minProbeIntervalMs, probeShare } = this.#pacing
    if (probeShare === undefined) return recoveryTimeoutMs
    const ageMs = this.#earlierOpenMs + this.#plannedAt - this.#openedAt
    const byDemand = this.#demand.gapMs(now) / probeShare
    const byAge = Math.min(ageMs * AGE_SHARE, byDemand / LEAST_PART)
    const interval = Math.max(minProbeIntervalMs, byDemand / this.#sooner, byAge)
    return Math.min(recoveryTimeoutMs, Math.ceil(interval * this.#spread))
  }
}
