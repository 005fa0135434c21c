import type { Clock } from '../clock.ts'
import { InvalidOptionError } from '../errors.ts'
import {
  atLeast,
  check,
  checkOptions,
  clockRule,
  durationMs,
  flag,
  instance,
  isOptions,
  positive,
  type Rules,
  shareOfCritical,
  wholeNumber,
} from '../options.ts'
import type { CompleteLimit, LimiterStore } from './bucket.ts'

/** One limit. */
export interface RateLimit {
  /** How many tokens come back each second. May be a fraction: 5 a minute is 5/60. */
  readonly tokensPerSecond: number
  /** How many tokens can be saved up, and so how many calls can come at once. Default: a second's worth, at least 1. */
  readonly burstSize?: number | undefined
}

/** A limit as providers publish it: so many in a window of time, wherever the window begins. */
export interface WindowLimit {
  /** How many tokens can be taken in any `windowMs` milliseconds. */
  readonly limit: number
  /** The length of the window, in milliseconds. */
  readonly windowMs: number
  /**
   * How many of them can be taken at once. Default: a tenth, at least 1. The rest comes in evenly, so a large burst makes
   * for a slow stream: `limit - burstSize + 1` tokens a window.
   */
  readonly burstSize?: number | undefined
}

/** Options of a rate limiter. Give a limit for all, one for each client, or both. */
export interface RateLimiterOptions {
  /** The limit for all clients together: how many tokens come back each second. */
  readonly tokensPerSecond?: number | undefined
  /** The limit for all clients together: how many tokens can be saved up. Default: a second's worth, at least 1. */
  readonly burstSize?: number | undefined
  /** More limits for all clients together, such as 50 a second, 200 a minute and 10,000 a day: each is kept. */
  readonly windows?: readonly WindowLimit[] | undefined
  /** Whether calls are spaced evenly, at the rate of the quickest limit for all, instead of in bursts. Default false. */
  readonly smooth?: boolean | undefined
  /** The share of every burst that is kept for calls with the priority `critical`, from 0 to 0.9. Default 0. */
  readonly criticalShare?: number | undefined
  /** Whether answers are read for what the service says is left (`RateLimit`, `X-RateLimit-*`). Default false. */
  readonly learn?: boolean | undefined
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

/** The rules that a {@link WindowLimit} is held to. */
const WINDOW_RULES: Rules<WindowLimit> = {
  limit: wholeNumber(1),
  windowMs: durationMs(1),
  burstSize: wholeNumber(1),
}

/** The rules that {@link RateLimiterOptions} are held to. */
export const RATE_LIMITER_RULES: Rules<RateLimiterOptions> = {
  ...RATE_LIMIT_RULES,
  windows: {
    allows: (value) => Array.isArray(value) && value.length > 0 && value.every(isOptions),
    says: 'it must be a list of objects with limit and windowMs',
  },
  smooth: flag,
  criticalShare: shareOfCritical,
  learn: flag,
  perClient: { allows: isOptions, says: 'it must be an object with tokensPerSecond and burstSize' },
  maxClients: wholeNumber(1),
  maxWaitMs: durationMs(0),
  maxQueue: wholeNumber(0),
  store: instance('a store of tokens', 'bucket', 'clientBuckets'),
  clock: clockRule,
}

/** Checks options of a limiter, the nested ones too. @throws InvalidOptionError */
export function checkRateLimiterOptions(path: string, options: RateLimiterOptions): void {
  checkOptions(path, options, RATE_LIMITER_RULES)
  const { tokensPerSecond, burstSize, windows = [], smooth, perClient } = options
  if (perClient !== undefined) {
    checkOptions(`${path}.perClient`, perClient, RATE_LIMIT_RULES)
    check(`${path}.perClient.tokensPerSecond`, perClient.tokensPerSecond, RATE_LIMIT_RULES.tokensPerSecond)
  }
  for (const [index, window] of windows.entries()) checkWindow(`${path}.windows.${index}`, window, windows)
  if (tokensPerSecond !== undefined) return
  if (burstSize !== undefined || (smooth === true && windows.length === 0)) {
    const rule = burstSize === undefined ? 'smooth needs a limit for all' : 'burstSize needs tokensPerSecond'
    throw new InvalidOptionError(`${path}.tokensPerSecond`, tokensPerSecond, rule)
  }
  if (perClient === undefined && windows.length === 0) {
    const rule = 'a limiter needs tokensPerSecond, windows, perClient, or several of them'
    throw new InvalidOptionError(`${path}.tokensPerSecond`, tokensPerSecond, rule)
  }
}

function checkWindow(path: string, window: WindowLimit, all: readonly WindowLimit[]): void {
  checkOptions(path, window, WINDOW_RULES)
  check(`${path}.limit`, window.limit, WINDOW_RULES.limit)
  check(`${path}.windowMs`, window.windowMs, WINDOW_RULES.windowMs)
  if (window.burstSize !== undefined && window.burstSize > window.limit) {
    throw new InvalidOptionError(`${path}.burstSize`, window.burstSize, `it must be at most the limit, ${window.limit}`)
  }
  if (all.some((other) => other !== window && other.windowMs === window.windowMs)) {
    throw new InvalidOptionError(`${path}.windowMs`, window.windowMs, 'two windows cannot have the same length')
  }
}

/** How much a bucket holds when nobody says: what comes in a second, at least one. */
export function burstOf(limit: RateLimit): number {
  return limit.burstSize ?? Math.max(1, limit.tokensPerSecond)
}

/** The bucket that keeps to a limit. */
export function bucketOf(label: string, limit: RateLimit): CompleteLimit {
  return { label, tokensPerSecond: limit.tokensPerSecond, burstSize: burstOf(limit) }
}

/**
 * The bucket that keeps to a window. In less than `windowMs` it gives fewer than `burstSize + tokensPerSecond × W` tokens,
 * which is `limit + 1`; since costs are whole numbers there, at most `limit`.
 */
export function bucketOfWindow({ limit, windowMs, burstSize }: WindowLimit): CompleteLimit {
  const burst = burstSize ?? Math.max(1, Math.floor(limit / 10))
  return { label: `global/${windowMs}`, tokensPerSecond: ((limit - burst + 1) * 1_000) / windowMs, burstSize: burst }
}
