/** Whether a request is let in: the part that the middleware of every framework shares. */
import { type Clock, InvalidOptionError, type RateLimit, type RateLimitDecision } from 'holdfast'
import { atLeast, flag, instance, isOptions, positive, type Rules, wholeNumber } from 'holdfast/options'
import { limitHeader, policyHeader, retryAfterSeconds } from './rate-limit-headers.ts'
import { Tier } from './tier.ts'

/** Limits of the requests that come in. Give one for all clients together, one for each client, or both. */
export interface AdmissionOptions {
  /** The limit for all clients together: requests that come back each second. */
  readonly tokensPerSecond?: number | undefined
  /** The limit for all clients together: requests that can come at once. Default: a second's worth, at least 1. */
  readonly burstSize?: number | undefined
  /** The limit for each client; or several that hold at once, such as 10 a second and 1,000 a day. */
  readonly perClient?: RateLimit | readonly RateLimit[] | undefined
  /** Whether the old `X-RateLimit-Limit`, `-Remaining` and `-Reset` (in seconds from now) are sent too. Default false. */
  readonly legacyHeaders?: boolean | undefined
  /** For how many clients a bucket is kept. Default 10,000. */
  readonly maxClients?: number | undefined
  /** Source of time. Default: the system's. */
  readonly clock?: Clock | undefined
}

/** The rules that {@link AdmissionOptions} are held to; each limit is checked by its own limiter. */
export const ADMISSION_RULES: Rules<AdmissionOptions> = {
  tokensPerSecond: positive('tokens per second'),
  burstSize: atLeast(1, 'tokens'),
  perClient: {
    allows: (value) => (Array.isArray(value) ? value.every(isOptions) : isOptions(value)),
    says: 'it must be an object with tokensPerSecond and burstSize, or a list of such',
  },
  legacyHeaders: flag,
  maxClients: wholeNumber(1),
  clock: instance('a Clock'),
}

/** The answer to a request that asks to come in. */
export interface Admission {
  readonly allowed: boolean
  /** To be set on the answer, whatever it is. */
  readonly headers: Readonly<Record<string, string>>
  /** The body of the answer when it is not allowed, which is a 429: a problem, as JSON. */
  readonly body: string | undefined
}

/** The limits that one kind of client must pass. */
interface Passage {
  readonly first: Tier
  readonly others: readonly Tier[]
  /** The header that names them. */
  readonly policy: string
  /** The most that a request can cost. */
  readonly highestCost: number
}

/**
 * Admits requests by rate, whatever the framework. Never waits. A request takes from all its limits or from none.
 *
 * @example
 * const control = new AdmissionControl({ perClient: { tokensPerSecond: 10, burstSize: 20 } })
 * const { allowed, retryAfter, body } = control.admit('user:ada')
 */
export class AdmissionControl {
  readonly #everybody: Passage
  readonly #single: ReadonlyMap<string, Passage>
  readonly #legacyHeaders: boolean

  /**
   * @param single limits of single clients, instead of `perClient`
   * @throws InvalidOptionError when an option makes no sense
   */
  constructor(options: AdmissionOptions, single: ReadonlyMap<string, RateLimit> = new Map()) {
    const { tokensPerSecond, burstSize, perClient, legacyHeaders = false, maxClients, clock } = options
    const own = perClient === undefined ? [] : [perClient].flat()
    if (tokensPerSecond === undefined && burstSize !== undefined) throw noLimit()
    const alone = single.size === 0 && own.length + (tokensPerSecond === undefined ? 0 : 1) === 1
    const nameOf = (name: string): string => (alone ? 'default' : name)
    const clients = own.map((limit, index) => {
      const name = nameOf(index === 0 ? 'client' : `client-${index + 1}`)
      return new Tier(name, 'client', limit, { maxClients, clock })
    })
    const all =
      tokensPerSecond === undefined
        ? []
        : [new Tier(nameOf('global'), 'global', { tokensPerSecond, burstSize }, { clock })]
    this.#legacyHeaders = legacyHeaders
    this.#everybody = passageOf([...clients, ...all])
    this.#single = new Map(
      [...single].map(([client, limit]) => {
        const its = new Tier('client', 'client', limit, { maxClients: 1, clock })
        return [client, passageOf([its, ...all])]
      }),
    )
  }

  /**
   * Asks for a request of this client.
   *
   * @param cost tokens it takes, default 1
   * @throws InvalidOptionError when the cost can never be met; {@link checkCost} tells beforehand
   */
  admit(client: string, cost = 1): Admission {
    const { first, others, policy, highestCost } = this.#single.get(client) ?? this.#everybody
    if (!(cost > 0 && cost <= highestCost)) throw invalidCost('cost', cost, highestCost)
    let tightest = first
    let decision = first.tryTake(client, cost)
    let { allowed } = decision
    for (const tier of others) {
      const its = tier.tryTake(client, cost)
      if (its.allowed !== allowed) {
        if (its.allowed) tier.giveBack(client, cost)
        else giveBackBefore(tier, first, others, client, cost)
        allowed = false
      }
      if (!isTighter(its, decision)) continue
      tightest = tier
      decision = its
    }
    const headers = this.#headers(tightest, decision, policy)
    return { allowed, headers, body: allowed ? undefined : tightest.refusal(decision) }
  }

  #headers(tier: Tier, decision: RateLimitDecision, policy: string): Readonly<Record<string, string>> {
    const { allowed, limit, remaining, resetMs, retryAfterMs } = decision
    const seconds = allowed ? Math.ceil(resetMs / 1_000) : retryAfterSeconds(retryAfterMs)
    const ratelimit = limitHeader(tier.policy.name, remaining, seconds)
    const headers = allowed
      ? { ratelimit, 'ratelimit-policy': policy }
      : { ratelimit, 'ratelimit-policy': policy, 'retry-after': String(seconds) }
    if (!this.#legacyHeaders) return headers
    return {
      ...headers,
      'x-ratelimit-limit': String(Math.floor(limit)),
      'x-ratelimit-remaining': String(remaining),
      'x-ratelimit-reset': String(seconds),
    }
  }

  /** For how many clients a bucket is kept. */
  get clients(): number {
    const { first, others } = this.#everybody
    return Math.max(first.clients, ...others.map(({ clients }) => clients))
  }

  /** Checks a cost before the first request pays it. @throws InvalidOptionError that names the field */
  checkCost(field: string, cost: number): void {
    const passages = [this.#everybody, ...this.#single.values()]
    const most = Math.min(...passages.map(({ highestCost }) => highestCost))
    if (typeof cost !== 'number' || !(cost > 0 && cost <= most)) throw invalidCost(field, cost, most)
  }
}

/** One limit refuses: what those before it have given goes back. */
function giveBackBefore(refusing: Tier, first: Tier, others: readonly Tier[], client: string, cost: number): void {
  first.giveBack(client, cost)
  for (const tier of others) {
    if (tier === refusing) return
    tier.giveBack(client, cost)
  }
}

function passageOf([first, ...others]: readonly Tier[]): Passage {
  if (first === undefined) throw noLimit()
  const policies = [first, ...others].map(({ policy }) => policy)
  const highestCost = Math.min(...policies.map(({ burstSize }) => burstSize))
  return { first, others, policy: policyHeader(policies), highestCost }
}

/** Of two limits the one that is waited for longer; of equals the one with less left. */
function isTighter(a: RateLimitDecision, b: RateLimitDecision): boolean {
  return a.retryAfterMs === b.retryAfterMs ? a.remaining < b.remaining : a.retryAfterMs > b.retryAfterMs
}

function noLimit(): InvalidOptionError {
  return new InvalidOptionError('rateLimiter.tokensPerSecond', undefined, 'give tokensPerSecond, perClient, or both')
}

function invalidCost(field: string, cost: number, most: number): InvalidOptionError {
  return new InvalidOptionError(field, cost, `it must be a number above 0 and at most the smallest burstSize, ${most}`)
}
