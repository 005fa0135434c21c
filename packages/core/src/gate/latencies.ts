import { LatencyEstimate } from './latency-estimate.ts'

/** So many operations have an estimate of their own; the others share that of the whole service. */
const MOST_OPERATIONS = 100

/** How long the calls of a service take, by operation: a quick one must not be judged by a slow one. */
export class Latencies {
  readonly overall: LatencyEstimate = new LatencyEstimate()
  readonly #byOperation = new Map<string, LatencyEstimate>()

  of(operation: string | undefined): LatencyEstimate {
    return (operation === undefined ? undefined : this.#byOperation.get(operation)) ?? this.overall
  }

  /** What a call took; `ended` is false when it was given up. */
  learn(operation: string | undefined, tookMs: number, ended: boolean, now: number): void {
    learn(this.overall, tookMs, ended, now)
    if (operation === undefined) return
    const known = this.#byOperation.get(operation)
    if (known === undefined && this.#byOperation.size >= MOST_OPERATIONS) return
    const estimate = known ?? new LatencyEstimate()
    if (known === undefined) this.#byOperation.set(operation, estimate)
    learn(estimate, tookMs, ended, now)
  }
}

function learn(estimate: LatencyEstimate, tookMs: number, ended: boolean, now: number): void {
  if (ended) estimate.learn(tookMs, now)
  else estimate.learnLonger(tookMs, now)
}
