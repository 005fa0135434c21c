/** A rate limit, complete. */
export interface ProviderLimit {
  readonly tokensPerSecond: number
  readonly burstSize: number
}

/**
 * Rate limits towards the providers, for the `rateLimiter` of their services. In less than a window W a token bucket lets
 * fewer than `burstSize + tokensPerSecond × W` calls through; each of these keeps that below one more than the provider
 * allows in the window that it counts by, wherever the window begins. All but a twentieth of the limit can be used for ever;
 * that little is left so that requests which arrive a bit closer together than they were sent are not too many. The
 * providers' figures are as published (Yahoo publishes none); your plan may allow more, and then say so.
 *
 * @example
 * createResilience({ services: { fred: { profile: 'DATA_PROVIDER', rateLimiter: UPSTREAM_LIMITS.fred } } })
 */
export const UPSTREAM_LIMITS: Readonly<
  Record<'alpacaTrading' | 'alpacaData' | 'polygonFree' | 'massiveFree' | 'yahoo' | 'fred', ProviderLimit>
> = {
  /** 200 a minute for an account: fewer than 10 + 190.5. */
  alpacaTrading: { tokensPerSecond: 190.5 / 60, burstSize: 10 },
  /** 200 a minute on the free plan, counted apart from trading. */
  alpacaData: { tokensPerSecond: 190.5 / 60, burstSize: 10 },
  /** 5 a minute: fewer than 1 + 4.9, one each 12.2 s. */
  polygonFree: { tokensPerSecond: 4.9 / 60, burstSize: 1 },
  massiveFree: { tokensPerSecond: 4.9 / 60, burstSize: 1 },
  /** Not published; about 60 a minute for an address are seen to pass. */
  yahoo: { tokensPerSecond: 57.5 / 60, burstSize: 3 },
  /** 2 a second, and 120 a minute: fewer than 1 + 1.95 in a second, one each 513 ms. */
  fred: { tokensPerSecond: 1.95, burstSize: 1 },
}
