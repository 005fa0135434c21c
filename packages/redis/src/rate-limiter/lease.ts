/** A lease on tokens: the account between one process and Redis, and nothing else. All amounts are grains. */
import { PACE } from '../redis/timing.ts'

/** What a question says about the lease. */
export interface LeaseAccount {
  /** Still held, and to be renewed. */
  readonly kept: number
  /** Given back with the question. */
  readonly back: number
}

/**
 * Tokens that Redis has set aside for this process. They may be spent until the lease lapses, counted from before it was
 * asked for: so never after Redis has given it up. What is neither kept nor given back in the next question was spent.
 */
export class Lease {
  #held = 0
  #lapsesAt = Number.NEGATIVE_INFINITY
  #lowWater = 0
  /** Since the last question. */
  #spent = 0

  /** What is in hand. */
  held(now: number): number {
    return now < this.#lapsesAt ? this.#held : 0
  }

  /** When it lapses, on the monotonic clock. */
  get lapsesAt(): number {
    return this.#lapsesAt
  }

  /** Whether so little is left that more should be asked for. */
  get isLow(): boolean {
    return this.#held < this.#lowWater
  }

  /** Spends what {@link held} has shown to be there. */
  spend(grains: number): void {
    this.#held -= grains
    this.#spent += grains
  }

  /**
   * Takes back what was spent for nothing. Only what Redis has not yet been told: to add the rest here would make tokens.
   *
   * @returns how much that was
   */
  unspend(grains: number, now: number): number {
    const taken = now < this.#lapsesAt ? Math.min(grains, this.#spent) : 0
    this.#held += taken
    this.#spent -= taken
    return taken
  }

  /** A question is about to be sent. @param surrender gives everything back with it */
  account(surrender: boolean, now: number): LeaseAccount {
    const held = this.held(now)
    this.#held = surrender ? 0 : held
    this.#spent = 0
    return surrender ? { kept: 0, back: held } : { kept: held, back: 0 }
  }

  /** The question was answered. @param kept what Redis had kept of what the question said */
  renew(kept: number, granted: number, sentAt: number, lifeMs: number): void {
    this.#held = Math.max(0, kept - this.#spent) + granted
    // What was spent of more than that is Redis's again: the lease had lapsed there.
    this.#spent = Math.min(this.#spent, kept)
    this.#lapsesAt = sentAt + lifeMs * PACE
    this.#lowWater = this.#held / 2
  }

  /** Tokens for single decisions have come: they lapse sooner than a lease, and then so does the rest. */
  add(granted: number, sentAt: number, lifeMs: number, now: number): void {
    const held = this.held(now)
    const lapsesAt = sentAt + lifeMs * PACE
    this.#lapsesAt = held > 0 ? Math.min(this.#lapsesAt, lapsesAt) : lapsesAt
    this.#held = held + granted
    this.#lowWater = 0
  }

  /** Nothing of it may be used any more. */
  drop(): void {
    this.#held = 0
  }
}
