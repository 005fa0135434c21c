import { type Clock, type RateLimit, type RateLimitDecision, RateLimiter, systemClock } from 'holdfast'
import { problem } from '../problem.ts'
import { type Policy, policyOf, retryAfterSeconds } from './rate-limit-headers.ts'

/** How many texts of refusals are kept: they differ only in the seconds to wait. */
const KEPT_TEXTS = 256

/** What the limits of an application share. */
export interface TierSurroundings {
  readonly maxClients?: number | undefined
  readonly clock?: Clock | undefined
}

/** One of the limits that a request must pass, and how it is told. */
export class Tier {
  readonly policy: Policy
  readonly #limiter: RateLimiter
  readonly #clock: Clock
  readonly #texts = new Map<number, string>()

  /** @throws InvalidOptionError when the limit makes no sense */
  constructor(name: string, scope: Policy['scope'], limit: RateLimit, { maxClients, clock }: TierSurroundings) {
    const limits = scope === 'client' ? { perClient: limit, maxClients } : limit
    this.#limiter = new RateLimiter({ ...limits, clock })
    this.#clock = clock ?? systemClock
    this.policy = policyOf(name, scope, limit)
  }

  /** For how many clients a bucket is kept. */
  get clients(): number {
    return this.#limiter.snapshot().clients
  }

  /** Takes the tokens if they are there. */
  tryTake(client: string, cost: number): RateLimitDecision {
    return this.#limiter.tryAcquire({ client, cost })
  }

  /** Gives tokens back that were just taken. */
  giveBack(client: string, cost: number): void {
    this.#limiter.giveBack(client, cost, this.#clock.now())
  }

  /** The body of the 429 that tells of a refusal: a problem, as JSON. */
  refusal({ retryAfterMs }: RateLimitDecision): string {
    const seconds = retryAfterSeconds(retryAfterMs)
    const known = this.#texts.get(seconds)
    if (known !== undefined) return known
    const { name, scope, burstSize } = this.policy
    const whose = scope === 'client' ? 'your limit' : 'the limit of all clients together'
    const detail = `${whose} of ${burstSize} requests at once is used up; come back in ${seconds} s`
    const told = problem('too-many-requests', 429, 'Too many requests', detail, { retryAfterMs })
    const text = JSON.stringify({ ...told, 'violated-policies': [name] })
    if (this.#texts.size >= KEPT_TEXTS) this.#texts.clear()
    this.#texts.set(seconds, text)
    return text
  }
}
