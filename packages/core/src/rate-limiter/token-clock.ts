import type { DecisionRecord } from './decision.ts'

/**
 * Tokens are counted in grains of 2^-32. Whole numbers keep sums exact: however many operations there are, a bucket never
 * gives more than `burstSize + tokensPerSecond × W` in any window W, to a grain.
 */
const GRAINS = 2 ** 32

/** How many grains a cost takes. */
export function grainsOf(tokens: number): number {
  return Math.ceil(tokens * GRAINS)
}

/**
 * Time, counted in the tokens that a limit has given out so far. On this scale a bucket is a single number: when it will
 * be full again. To take tokens is to put that off; a bucket of the past is full.
 */
export class TokenClock {
  readonly tokensPerSecond: number
  readonly burstSize: number
  /** The burst in grains. */
  readonly burst: number = Number.NaN
  readonly #grainsPerMs: number = Number.NaN
  readonly #start: number = Number.NaN

  constructor(limit: { readonly tokensPerSecond: number; readonly burstSize: number }, now: number) {
    this.tokensPerSecond = limit.tokensPerSecond
    this.burstSize = limit.burstSize
    this.burst = Math.floor(limit.burstSize * GRAINS)
    this.#grainsPerMs = (limit.tokensPerSecond * GRAINS) / 1_000
    this.#start = now
  }

  /** How many grains have come in. */
  at(now: number): number {
    return Math.floor((now - this.#start) * this.#grainsPerMs)
  }

  /** A bucket never lacks more than it holds: a clock that went back must not freeze it. */
  bounded(fullAt: number, now: number): number {
    return Math.min(fullAt, this.at(now) + this.burst)
  }

  /** How many tokens a bucket has. */
  available(fullAt: number, now: number): number {
    return (this.burst - this.#debt(fullAt, now)) / GRAINS
  }

  /** When a bucket is full after tokens were taken. */
  take(fullAt: number, cost: number, now: number): number {
    return Math.max(fullAt, this.at(now)) + grainsOf(cost)
  }

  /**
   * What {@link waitMs}, {@link take}, {@link available} and {@link estimateMs} do and say, for a bucket that has the tokens.
   * In a server each step of its own costs more than what it reckons: between two requests the processor has forgotten the
   * way (bench: `http`).
   *
   * @returns when the bucket is full after they were taken; NaN when it does not have them
   */
  admit(fullAt: number, cost: number, now: number, decision: DecisionRecord): number {
    const { burst } = this
    const at = this.at(now)
    const after = Math.max(at, Math.min(fullAt, at + burst)) + (cost === 1 ? GRAINS : grainsOf(cost))
    const debt = after - at
    if (debt > burst) return Number.NaN
    decision.allowed = true
    decision.scope = 'client'
    decision.limit = this.burstSize
    decision.remaining = Math.floor((burst - debt) / GRAINS)
    decision.retryAfterMs = 0
    decision.resetMs = Math.ceil((this.burstSize * GRAINS - burst + debt) / this.#grainsPerMs)
    return after
  }

  /** When a bucket is full after tokens were given back. */
  giveBack(fullAt: number, cost: number): number {
    return fullAt - grainsOf(cost)
  }

  /** Whether a bucket has `cost` tokens. */
  has(fullAt: number, cost: number, now: number): boolean {
    return fullAt + grainsOf(cost) - this.burst <= this.at(now)
  }

  /** How many whole milliseconds until a bucket has `cost` tokens. */
  waitMs(fullAt: number, cost: number, now: number): number {
    const at = this.at(now)
    const enoughAt = fullAt + grainsOf(cost) - this.burst
    if (enoughAt <= at) return 0
    const wait = Math.max(1, Math.ceil((enoughAt - at) / this.#grainsPerMs - 1e-6))
    return this.at(now + wait) >= enoughAt ? wait : wait + 1
  }

  /** About how long until this many tokens have come in, in milliseconds, also for more than a bucket holds. */
  estimateMs(fullAt: number, tokens: number, now: number): number {
    return Math.max(0, (tokens * GRAINS - this.burst + this.#debt(fullAt, now)) / this.#grainsPerMs)
  }

  /** How many grains a bucket lacks: never more than it holds. */
  #debt(fullAt: number, now: number): number {
    return Math.min(this.burst, Math.max(0, fullAt - this.at(now)))
  }
}
