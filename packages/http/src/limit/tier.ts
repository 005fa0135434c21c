import {
  type ClientPlace,
  type Clock,
  type DecisionRecord,
  type FleetPatterns,
  newDecision,
  type RateLimit,
  RateLimiter,
  systemClock,
} from 'holdfast'

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

/** Whose processes keep a limit together, and what it is called there. */
export interface SharedLimit {
  readonly fleet: Pick<FleetPatterns, 'rateLimiter'>
  readonly name: string
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
    around: {
      readonly maxClients?: number | undefined
      readonly clock?: Clock | undefined
      readonly shared?: SharedLimit | undefined
    },
  ) {
    const { maxClients, clock = systemClock, shared } = around
    const options = { ...(scope === 'client' ? { perClient: limit, maxClients } : limit), clock }
    this.#limiter = shared === undefined ? new RateLimiter(options) : shared.fleet.rateLimiter(shared.name, options)
    this.#clock = clock
    this.policy = policyOf(name, scope, limit)
  }

  /** For how many clients a bucket is kept. */
  get clients(): number {
    return this.#limiter.snapshot().clients
  }

  /** Takes the tokens if they are there; {@link decision} has the figures. */
  tryTake(place: ClientPlace, cost: number): boolean {
    return this.#limiter.admitAt(this.decision, place, cost)
  }

  /** What has to be waited for before a refusal is one; undefined where the limit is this process's alone. */
  asking({ client }: ClientPlace, cost: number): Promise<void> | undefined {
    return this.#limiter.asking({ client, cost })
  }

  /** Gives tokens back that were just taken. */
  giveBack({ client }: ClientPlace, cost: number): void {
    this.#limiter.giveBack(client, cost, this.#clock.now())
  }
}

function policyOf(name: string, scope: Policy['scope'], { tokensPerSecond, burstSize }: RateLimit): Policy {
  const burst = burstSize ?? Math.max(1, tokensPerSecond)
  const windowSeconds = Math.max(1, Math.ceil(burst / tokensPerSecond))
  return { name, scope, burstSize: burst, item: `"${name}";q=${Math.floor(burst)};w=${windowSeconds}` }
}
