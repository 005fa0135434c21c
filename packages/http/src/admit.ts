/** Whether a request is let in: the part that every framework's plugin shares. */
import { type Clock, InvalidOptionError, type RateLimit, RateLimiter } from 'holdfast'
import { type Problem, problem } from './problem.ts'
import { limitHeader, type Policies, policyHeader, type Quota, retryAfterSeconds } from './rate-limit-headers.ts'

/** Limits of the requests that come in. Give a limit for all, one for each client, or both. */
export interface AdmissionOptions {
  /** The limit for all clients together: requests that come back each second. */
  readonly tokensPerSecond?: number | undefined
  /** The limit for all clients together: requests that can come at once. Default: a second's worth, at least 1. */
  readonly burstSize?: number | undefined
  /** The limit for each client. */
  readonly perClient?: RateLimit | undefined
  /** For how many clients a bucket is kept. Default 10,000. */
  readonly maxClients?: number | undefined
  /** Source of time. Default: the system's. */
  readonly clock?: Clock | undefined
}

/** The answer to a request that asks to come in. */
export interface Admission {
  readonly allowed: boolean
  /** To be set on the answer, whatever it is. */
  readonly headers: Readonly<Record<string, string>>
  /** The answer, when it is not allowed. */
  readonly problem: Problem | undefined
}

/**
 * Admits requests by rate, whatever the framework. Never waits.
 *
 * @example
 * const control = new AdmissionControl({ perClient: { tokensPerSecond: 10, burstSize: 20 } })
 * const { allowed, headers, problem } = control.admit(clientKeyOf({ apiKey, address }))
 */
export class AdmissionControl {
  readonly #limiter: RateLimiter
  readonly #policies: Policies
  readonly #policyHeader: string

  /** @throws InvalidOptionError when an option makes no sense */
  constructor(options: AdmissionOptions) {
    const { tokensPerSecond, burstSize, perClient } = options
    this.#limiter = new RateLimiter(options)
    this.#policies = {
      global: tokensPerSecond === undefined ? undefined : complete({ tokensPerSecond, burstSize }),
      client: perClient === undefined ? undefined : complete(perClient),
    }
    this.#policyHeader = policyHeader(this.#policies)
  }

  /**
   * Asks for a request of this client.
   *
   * @param cost tokens it takes, default 1
   * @throws InvalidOptionError when the cost can never be met; {@link checkCost} tells beforehand
   */
  admit(client: string, cost = 1): Admission {
    const decision = this.#limiter.tryAcquire({ client, cost })
    const headers = { ratelimit: limitHeader(decision, this.#policies), 'ratelimit-policy': this.#policyHeader }
    if (decision.allowed) return { allowed: true, headers, problem: undefined }
    const seconds = retryAfterSeconds(decision.retryAfterMs)
    const whose = decision.scope === 'client' ? 'your limit' : 'the limit of all clients together'
    const detail = `${whose} of ${decision.limit} requests at once is used up; come back in ${seconds} s`
    return {
      allowed: false,
      headers: { ...headers, 'retry-after': String(seconds) },
      problem: problem('too-many-requests', 429, 'Too many requests', detail, { retryAfterMs: decision.retryAfterMs }),
    }
  }

  /** Checks a cost before the first request pays it. @throws InvalidOptionError that names the field */
  checkCost(field: string, cost: number): void {
    const bursts = Object.values(this.#policies).map((quota: Quota | undefined) => quota?.burstSize)
    const most = Math.min(...bursts.filter((burst) => burst !== undefined))
    if (typeof cost === 'number' && cost > 0 && cost <= most) return
    throw new InvalidOptionError(field, cost, `it must be a number above 0 and at most the smallest burstSize, ${most}`)
  }
}

function complete({ tokensPerSecond, burstSize }: RateLimit): Quota {
  return { tokensPerSecond, burstSize: burstSize ?? Math.max(1, tokensPerSecond) }
}
