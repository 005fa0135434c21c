/** How much of a new sample goes into the mean: more when it is worse, because being late costs more than being early. */
const WEIGHT_UP = 0.1
const WEIGHT_DOWN = 0.05

/** How much of a new sample goes into the deviation. */
const WEIGHT_OF_DEVIATION = 0.1

/**
 * What is less is nothing, in milliseconds. Else a mean of zeros would shrink until it is one of the numbers so close to 0
 * that a processor takes a hundred times as long to reckon with (bench: `stack`).
 */
const LEAST_MS = 0.001

/** How long an estimate is believed that nothing has confirmed, in milliseconds. */
const BELIEVED_MS = 1_000

/**
 * How long a service takes, from how long it took: a moving mean and a moving mean deviation (Jacobson, "Congestion
 * avoidance and control", 1988), and a moving median. An estimate that is not confirmed for a second, or four times as long
 * as a call takes, is forgotten: else one that is too high would keep the calls away that could correct it.
 */
export class LatencyEstimate {
  #mean = 0
  #deviation = 0
  #median = 0
  /** Until when it is believed. */
  #until = Number.NEGATIVE_INFINITY

  /** What a call took. */
  learn(tookMs: number, now: number): void {
    if (this.#isForgotten(now)) {
      this.#mean = tookMs
      this.#median = tookMs
      this.#deviation = tookMs / 2
    } else {
      const error = tookMs - this.#mean
      this.#mean = notTiny(this.#mean + error * (error > 0 ? WEIGHT_UP : WEIGHT_DOWN))
      this.#deviation = notTiny(this.#deviation + (Math.abs(error) - this.#deviation) * WEIGHT_OF_DEVIATION)
      this.#median += Math.sign(tookMs - this.#median) * WEIGHT_OF_DEVIATION * Math.max(this.#deviation, 0.01)
    }
    this.#until = now + Math.max(BELIEVED_MS, 4 * this.#mean)
  }

  /** What a call took that had not ended when it was given up: it would have taken longer. */
  learnLonger(tookMs: number, now: number): void {
    if (tookMs > this.meanMs(now)) this.learn(tookMs, now)
  }

  /** What half of the calls take, in milliseconds; 0 when that is not known. */
  typicalMs(now: number): number {
    return this.#isForgotten(now) ? 0 : Math.max(0, this.#median)
  }

  /** What nearly all calls take, in milliseconds: mean and two deviations; 0 when that is not known. */
  cautiousMs(now: number): number {
    return this.#isForgotten(now) ? 0 : this.#mean + 2 * this.#deviation
  }

  /** What a slot is taken for on average, in milliseconds; 0 when that is not known. */
  meanMs(now: number): number {
    return this.#isForgotten(now) ? 0 : this.#mean
  }

  #isForgotten(now: number): boolean {
    return now > this.#until
  }
}

function notTiny(ms: number): number {
  return ms < LEAST_MS ? 0 : ms
}
