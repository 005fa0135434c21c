/** How much a streak of failures proves, given how often calls usually succeed. */

/** How much one outcome moves the average: the last fifty count for about two thirds. */
const WEIGHT = 0.02

/** Nobody is perfect, and nobody is hopeless: bounds of the usual success rate. */
const LEAST_RATE = 0.05
const MOST_RATE = 0.99

/**
 * After a recovery at least so many outcomes are judged more strictly, since who has just been down is down again on less
 * evidence: half the streak, if that is as rare as this of a service that answers three times out of four.
 */
const FRESH_OUTCOMES = 20
const FRESH_RATE = 0.75
const FRESH_PROBABILITY = 1e-3

/**
 * Judges a streak of failures by the chance that it happens while all is as usual: `(1 − p)^streak`, with `p` the moving
 * average of success before the streak began. Of a service that usually answers, five failures in a row prove an outage; of
 * one that fails every other call, twenty do.
 */
export class StreakEvidence {
  readonly #threshold: number = 0
  readonly #probability: number = 0
  #rate = MOST_RATE
  #streak = 0
  /** How many failures in a row it takes at present; worked out when a streak begins. */
  #needed = 0
  #fresh = 0
  #freshUntil = Number.NEGATIVE_INFINITY

  /**
   * @param threshold the least number of failures in a row; enough while the service is as good as can be
   * @param probability the streak must be rarer than this; 1 makes the threshold alone decide
   */
  constructor(threshold: number, probability: number) {
    this.#threshold = threshold
    this.#probability = Math.max(probability, (1 - MOST_RATE) ** threshold)
    this.#needed = threshold
  }

  /** Failures in a row so far. */
  get streak(): number {
    return this.#streak
  }

  /** No failure of late, and no outage. */
  get isWell(): boolean {
    return this.#streak === 0 && this.#fresh === 0
  }

  /** How many it takes at present. */
  neededAt(now: number): number {
    return this.#streak === 0 ? this.#needs(now) : this.#needed
  }

  /** Share of calls that usually succeed, from 0.05 to 0.99. */
  get usualSuccessRate(): number {
    return this.#rate
  }

  success(): void {
    if (this.#streak > 0) this.#endStreak()
    if (this.#fresh > 0) this.#fresh--
    if (this.#probability < 1) this.#learn(1)
  }

  #endStreak(): void {
    // What was held back while it might have been an outage was not one, and so belongs to the usual.
    if (this.#probability < 1) for (let failure = 0; failure < this.#streak; failure++) this.#learn(0)
    this.#streak = 0
  }

  /** @returns whether the streak is now long enough */
  failure(now: number): boolean {
    if (this.#streak === 0) this.#needed = this.#needs(now)
    return ++this.#streak >= this.#needed
  }

  /** The service has been down so long and is back: for as long it is trusted less. */
  recovered(now: number, downMs: number): void {
    this.#fresh = FRESH_OUTCOMES
    this.#freshUntil = now + downMs
  }

  /** Forgets the streak; what is usual is not forgotten. */
  forget(): void {
    this.#streak = 0
  }

  #learn(outcome: 0 | 1): void {
    const rate = this.#rate + WEIGHT * (outcome - this.#rate)
    this.#rate = Math.min(MOST_RATE, Math.max(LEAST_RATE, rate))
  }

  #needs(now: number): number {
    if (this.#probability >= 1) return this.#threshold
    const usual = Math.max(this.#threshold, rarer(this.#rate, this.#probability))
    if (this.#fresh === 0 && now >= this.#freshUntil) return usual
    const rare = rarer(Math.min(this.#rate, FRESH_RATE), FRESH_PROBABILITY)
    return Math.min(usual, Math.max(Math.ceil(this.#threshold / 2), rare))
  }
}

/** How long a streak must be to be as rare as this. A hair less than exact, so that rounding never asks for one more. */
function rarer(rate: number, probability: number): number {
  return Math.ceil(Math.log(probability) / Math.log(1 - rate) - 1e-9)
}
