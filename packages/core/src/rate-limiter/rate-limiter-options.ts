import type { Clock } from '../clock.ts'
import { InvalidOptionError } from '../errors.ts'
import {
  atLeast,
  check,
  checkOptions,
  durationMs,
  instance,
  isOptions,
  positive,
  type Rules,
  wholeNumber,
} from '../options.ts'
import type { LimiterStore } from './bucket.ts'

/** One limit. */
export interface RateLimit {
  /** How many tokens come back each second. May be a fraction: 5 a minute is 5/60. */
  readonly tokensPerSecond: number
  /** How many tokens can be saved up, and so how many calls can come at once. Default: a second's worth, at least 1. */
  readonly burstSize?: number | undefined
}

/** Options of a rate limiter. Give a limit for all, one for each client, or both. */
export interface RateLimiterOptions {
  /** The limit for all clients together: how many tokens come back each second. */
  readonly tokensPerSecond?: number | undefined
  /** The limit for all clients together: how many tokens can be saved up. Default: a second's worth, at least 1. */
  readonly burstSize?: number | undefined
  /** The limit for each client. */
  readonly perClient?: RateLimit | undefined
  /** For how many clients a bucket is kept, at 20 to 40 bytes each. Default 100,000. */
  readonly maxClients?: number | undefined
  /** How long a caller waits for tokens at most, in milliseconds; 0 never waits. Default 30,000. */
  readonly maxWaitMs?: number | undefined
  /** How many callers may wait at once. Default 1,000. */
  readonly maxQueue?: number | undefined
  /** Where the tokens are kept. Default: in this process. */
  readonly store?: LimiterStore | undefined
  /** Source of time. Default: the system's. */
  readonly clock?: Clock | undefined
}

/** The rules that a {@link RateLimit} is held to. */
export const RATE_LIMIT_RULES: Rules<RateLimit> = {
  tokensPerSecond: positive('tokens per second'),
  burstSize: atLeast(1, 'tokens'),
}

/** The rules that {@link RateLimiterOptions} are held to. */
export const RATE_LIMITER_RULES: Rules<RateLimiterOptions> = {
  ...RATE_LIMIT_RULES,
  perClient: { allows: isOptions, says: 'it must be an object with tokensPerSecond and burstSize' },
  maxClients: wholeNumber(1),
  maxWaitMs: durationMs(0),
  maxQueue: wholeNumber(0),
  store: instance('a store of tokens'),
  clock: instance('a Clock'),
}

/** Checks options of a limiter, the nested ones too. @throws InvalidOptionError */
export function checkRateLimiterOptions(path: string, options: RateLimiterOptions): void {
  checkOptions(path, options, RATE_LIMITER_RULES)
  const { tokensPerSecond, burstSize, perClient } = options
  if (perClient !== undefined) {
    checkOptions(`${path}.perClient`, perClient, RATE_LIMIT_RULES)
    check(`${path}.perClient.tokensPerSecond`, perClient.tokensPerSecond, RATE_LIMIT_RULES.tokensPerSecond)
  }
  if (tokensPerSecond === undefined && (perClient === undefined || burstSize !== undefined)) {
    const rule = 'a limiter needs tokensPerSecond, perClient, or both'
    throw new InvalidOptionError(`${path}.tokensPerSecond`, tokensPerSecond, rule)
  }
}

/** How much a bucket holds when nobody says: what comes in a second, at least one. */
export function burstOf(limit: RateLimit): number {
  return limit.burstSize ?? Math.max(1, limit.tokensPerSecond)
}
