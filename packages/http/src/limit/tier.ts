import { type Clock, type DecisionRecord, newDecision, type RateLimit, RateLimiter, systemClock } from 'holdfast'

/** A limit as it is told to clients. */
export interface Policy {
  /** `default` where it is the only one. */
  readonly name: string
  /** Whether each client has it for himself. */
  readonly scope: 'global' | 'client'
  readonly burstSize: number
  /** It as an item of `RateLimit-Policy`: quota, and window in seconds. */
  readonly item: string
}

/** One of the limits that a request must pass. */
export class Tier {
  readonly policy: Policy
  /** What it decided last: written over by every request. */
  readonly decision: DecisionRecord = newDecision()
  readonly #limiter: RateLimiter
  readonly #clock: Clock

  /** @throws InvalidOptionError when the limit makes no sense */
  constructor(
    name: string,
    scope: Policy['scope'],
    limit: RateLimit,
    around: { readonly maxClients?: number | undefined; readonly clock?: Clock | undefined },
  ) {
    const { maxClients, clock = systemClock } = around
    this.#limiter = new RateLimiter({ ...(scope === 'client' ? { perClient: limit, maxClients } : limit), clock })
    this.#clock = clock
    this.policy = policyOf(name, scope, limit)
  }

  /** For how many clients a bucket is kept. */
  get clients(): number {
    return this.#limiter.snapshot().clients
  }

  /** Takes the tokens if they are there; {@link decision} has the figures. */
  tryTake(client: string, cost: number): boolean {
    return this.#limiter.admit(this.decision, client, cost)
  }

  /** Gives tokens back that were just taken. */
  giveBack(client: string, cost: number): void {
    this.#limiter.giveBack(client, cost, this.#clock.now())
  }
}

function policyOf(name: string, scope: Policy['scope'], { tokensPerSecond, burstSize }: RateLimit): Policy {
  const burst = burstSize ?? Math.max(1, tokensPerSecond)
  const windowSeconds = Math.max(1, Math.ceil(burst / tokensPerSecond))
  return { name, scope, burstSize: burst, item: `"${name}";q=${Math.floor(burst)};w=${windowSeconds}` }
}
