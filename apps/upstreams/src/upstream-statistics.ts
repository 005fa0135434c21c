/** Counts of one upstream. */
export interface UpstreamStats {
  readonly requests: number
  /** Requests that took effect. */
  readonly executed: number
  readonly byStatus: Readonly<Record<string, number>>
  /** Requests over the provider's limit. */
  readonly rateViolations: number
  /** Until when everybody is refused, in milliseconds since 1970; null when nobody is. */
  readonly bannedUntil: number | null
  /** Requests that were under way at a time, at most. */
  readonly concurrentMax: number
  readonly byKey: Readonly<Record<string, number>>
}

/** Counts the requests of one upstream. */
export class UpstreamStatistics {
  rateViolations = 0
  bannedUntil: number | null = null
  #requests = 0
  #executed = 0
  #concurrent = 0
  #concurrentMax = 0
  readonly #byStatus = new Map<string, number>()
  readonly #byKey = new Map<string, number>()

  begin(): void {
    this.#requests++
    this.#concurrentMax = Math.max(this.#concurrentMax, ++this.#concurrent)
  }

  /** @param status undefined when the connection ended without an answer */
  end(status: number | string | undefined, executed: boolean): void {
    this.#concurrent--
    if (executed) this.#executed++
    increment(this.#byStatus, status === undefined ? 'none' : String(status))
  }

  countKey(key: string): void {
    increment(this.#byKey, key)
  }

  snapshot(): UpstreamStats {
    return {
      requests: this.#requests,
      executed: this.#executed,
      byStatus: Object.fromEntries(this.#byStatus),
      rateViolations: this.rateViolations,
      bannedUntil: this.bannedUntil,
      concurrentMax: this.#concurrentMax,
      byKey: Object.fromEntries(this.#byKey),
    }
  }

  reset(): void {
    this.rateViolations = 0
    this.bannedUntil = null
    this.#requests = 0
    this.#executed = 0
    this.#concurrentMax = this.#concurrent
    this.#byStatus.clear()
    this.#byKey.clear()
  }
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
