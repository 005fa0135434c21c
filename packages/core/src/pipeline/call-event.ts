import type { CircuitChange } from '../circuit-breaker/circuit-breaker-options.ts'
import type { HoldfastErrorCode } from '../errors.ts'

interface CallEventBase {
  /** When, in milliseconds since 1970. */
  readonly at: number
  readonly service: string | undefined
  readonly operation: string | undefined
  /** Number of the attempt, from 1. */
  readonly attempt: number
}

/** A call waits for another attempt. */
export interface RetryEvent extends CallEventBase {
  readonly type: 'retry'
  /** How long it waits, in milliseconds. */
  readonly delayMs: number
  /** Code of the error that is retried, if it has one. */
  readonly errorCode: string | undefined
}

/** A guard refused a call. */
export interface RefusedEvent extends CallEventBase {
  readonly type: 'refused'
  readonly code: HoldfastErrorCode
  /** Why, with the figures that led to it: the text of the error that the caller gets. */
  readonly message: string
  readonly retryAfterMs: number | undefined
}

/** A time limit passed. */
export interface TimeoutEvent extends CallEventBase {
  readonly type: 'timeout'
  readonly scope: 'attempt' | 'total'
  readonly timeoutMs: number
}

/** A circuit changed its state. */
export interface CircuitEvent extends CircuitChange {
  readonly type: 'circuit'
}

/** What can be seen from outside while calls run. */
export type ResilienceEvent = CircuitEvent | RetryEvent | RefusedEvent | TimeoutEvent
