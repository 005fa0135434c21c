import type { Clock, Random } from '../clock.ts'
import type { HookErrorReporter, Logger } from '../events.ts'
import { callback, durationMs, flag, instance, oneOf, type Rule, type Rules, wholeNumber } from '../options.ts'
import type { Jitter } from './backoff.ts'

/** A class of errors. */
export type ErrorClass = abstract new (...args: never[]) => Error

/** What is worth a retry: a class of errors, a code (`'ECONNRESET'`), an HTTP status (`503`), or a predicate. */
export type RetryOn = ErrorClass | string | number | ((error: unknown) => boolean)

/** What is told before the wait for a retry. */
export interface RetryNotice {
  readonly service: string | undefined
  readonly operation: string | undefined
  /** Number of the attempt that failed, from 1. */
  readonly attempt: number
  /** How long is waited before the next, in milliseconds. */
  readonly delayMs: number
  readonly error: unknown
}

/** How a call is retried. */
export interface RetrySettings {
  /** How many attempts follow the first at most. Default 3; 0 for none. */
  readonly maxRetries?: number | undefined
  /** Delay before the first retry, in milliseconds; doubles with every further one. Default 1,000. */
  readonly baseDelayMs?: number | undefined
  /** Longest delay in milliseconds, a `Retry-After` included. Default 60,000. */
  readonly maxDelayMs?: number | undefined
  /** No retry begins later than this many milliseconds after the first attempt. Default: no limit. */
  readonly maxElapsedMs?: number | undefined
  /** How delays are spread. Default `full`. */
  readonly jitter?: Jitter | undefined
  /**
   * Only these errors are retried. Default: transient network errors, timeouts, and the statuses 408, 425, 429, 500, 502,
   * 503 and 504. Refusals of the library's own guards and cancellations are not among them.
   */
  readonly retryOn?: readonly RetryOn[] | undefined
  /**
   * Whether a call that does not say is taken to be idempotent. Default true. When false, only what was never sent or was
   * refused by the service is repeated.
   */
  readonly assumeIdempotent?: boolean | undefined
  /** Told before each wait. */
  readonly onRetry?: ((notice: RetryNotice) => void) | undefined
  /** Gets a structured record for each retry (`warn`) and for giving up (`error`). Default: none. */
  readonly logger?: Logger | undefined
}

/** Options of `retry`, `retryWithBackoff` and `retrySync`. */
export interface RetryOptions extends RetrySettings {
  /** Name of the service, for errors and logs. */
  readonly service?: string | undefined
  /** Name of the operation, for errors and logs. */
  readonly operation?: string | undefined
  /** Told when `onRetry`, the logger or a predicate throws. Default: written to the console. */
  readonly onHookError?: HookErrorReporter | undefined
  /** Source of time. Default: the system's. */
  readonly clock?: Clock | undefined
  /** Source of randomness. Default: the system's. */
  readonly random?: Random | undefined
}

const retryOnList: Rule = {
  allows: (value) =>
    Array.isArray(value) &&
    value.every((entry) => ['function', 'string'].includes(typeof entry) || (Number.isInteger(entry) && entry >= 100)),
  says: 'it must be an array of error classes, codes, HTTP statuses and predicates',
}

/** Where messages for people go. */
export const loggerRule: Rule = instance('a logger with debug, info, warn and error', 'debug', 'info', 'warn', 'error')

/** The rules that {@link RetrySettings} are held to. */
export const RETRY_RULES: Rules<RetrySettings> = {
  maxRetries: wholeNumber(0),
  baseDelayMs: durationMs(0),
  maxDelayMs: durationMs(0),
  maxElapsedMs: durationMs(0),
  jitter: oneOf(['full', 'equal', 'decorrelated', 'none']),
  retryOn: retryOnList,
  assumeIdempotent: flag,
  onRetry: callback,
  logger: loggerRule,
}
