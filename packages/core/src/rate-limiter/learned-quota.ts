/** What an answer says of a limit: how much of it is left, and for how long. */
export interface Quota {
  /** How many tokens are left. */
  readonly remaining: number
  /** In how many milliseconds there are new ones. */
  readonly resetMs: number
}

/** Times at which a window ends are told in whole seconds: so far apart two may lie that mean the same. */
const SAME_WINDOW_MS = 1_000

/**
 * What the service has said is left of its own limit, until that begins anew. It only ever makes a limit narrower: the
 * buckets hold besides.
 */
export class LearnedQuota {
  #left = Number.POSITIVE_INFINITY
  #until = Number.NEGATIVE_INFINITY
  /** When the window ends, as it was told first. */
  #firstUntil = Number.NEGATIVE_INFINITY

  /** Whether the service has ever said anything. */
  get isKnown(): boolean {
    return this.#until !== Number.NEGATIVE_INFINITY
  }

  /** How many tokens the service has left; Infinity when it has not said. */
  left(now: number): number {
    return now < this.#until ? this.#left : Number.POSITIVE_INFINITY
  }

  learn({ remaining, resetMs }: Quota, now: number): void {
    const until = now + resetMs
    const known = now < this.#until
    // An answer that was overtaken by one of a later window says nothing new.
    if (known && until < this.#until - SAME_WINDOW_MS) return
    // Of a window that slides the end moves along with time: what is left is told anew after a while, not only ever less.
    const same = known && until < this.#firstUntil + SAME_WINDOW_MS
    // Calls under way are not in what the service counted, but have been taken off here.
    this.#left = same ? Math.min(this.#left, remaining) : remaining
    this.#until = same ? Math.max(this.#until, until) : until
    if (!same) this.#firstUntil = until
  }

  waitMs(cost: number, now: number): number {
    return cost <= this.#left || now >= this.#until ? 0 : Math.ceil(this.#until - now)
  }

  take(cost: number): void {
    this.#left -= cost
  }

  giveBack(cost: number): void {
    this.#left += cost
  }
}
