/** A rate limit, complete. */
export interface ProviderLimit {
  readonly tokensPerSecond: number
  readonly burstSize: number
}

/**
 * Rate limits towards the providers, for the `rateLimiter` of their services. A token bucket lets `burstSize +
 * tokensPerSecond × W` through in a window W; each of these keeps that at or below what the provider allows in the window
 * that it counts by, wherever the window begins. The providers' figures are as published (Yahoo publishes none); your plan
 * may allow more, and then say so.
 *
 * @example
 * createResilience({ services: { fred: { profile: 'DATA_PROVIDER', rateLimiter: UPSTREAM_LIMITS.fred } } })
 */
export const UPSTREAM_LIMITS: Readonly<
  Record<'alpacaTrading' | 'alpacaData' | 'polygonFree' | 'massiveFree' | 'yahoo' | 'fred', ProviderLimit>
> = {
  /** 200 a minute for an account: at most 10 + 190. */
  alpacaTrading: { tokensPerSecond: 190 / 60, burstSize: 10 },
  /** 200 a minute on the free plan, counted apart from trading. */
  alpacaData: { tokensPerSecond: 190 / 60, burstSize: 10 },
  /** 5 a minute: at most 1 + 4. */
  polygonFree: { tokensPerSecond: 4 / 60, burstSize: 1 },
  massiveFree: { tokensPerSecond: 4 / 60, burstSize: 1 },
  /** Not published; about 60 a minute for an address are seen to pass. */
  yahoo: { tokensPerSecond: 50 / 60, burstSize: 10 },
  /** 2 a second, and 120 a minute: at most 1 + 1 in a second. */
  fred: { tokensPerSecond: 1, burstSize: 1 },
}
