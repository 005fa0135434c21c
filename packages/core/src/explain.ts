/** Why a call was not made, or not made again: the figures behind the decision. */
import { type Figures, type HoldfastErrorCode, isRejection, RetriesExhaustedError } from './errors.ts'

/** Which pattern decided. */
export type Decider = 'circuit breaker' | 'rate limiter' | 'bulkhead' | 'throttle' | 'deadline' | 'retry'

/** A decision, explained. */
export interface Explanation {
  readonly decider: Decider
  readonly code: HoldfastErrorCode
  readonly service: string | undefined
  readonly operation: string | undefined
  readonly attempt: number | undefined
  /** In a sentence, with what to do next. */
  readonly text: string
  /** What it was made from; which there are is the decider's: docs/patterns/explain.md. */
  readonly figures: Figures
  /** In how many milliseconds it makes sense to come back, where that is known. */
  readonly retryAfterMs: number | undefined
}

const DECIDERS: Partial<Record<HoldfastErrorCode, Decider>> = {
  HOLDFAST_CIRCUIT_OPEN: 'circuit breaker',
  HOLDFAST_RATE_LIMITED: 'rate limiter',
  HOLDFAST_BULKHEAD_FULL: 'bulkhead',
  HOLDFAST_THROTTLED: 'throttle',
  HOLDFAST_DEADLINE_TOO_SHORT: 'deadline',
}

/**
 * Explains a refusal, or why there was no further attempt.
 *
 * @returns undefined for every other error: then it was the service's, or the caller's
 * @example
 * const explanation = explainRejection(error)
 * if (explanation !== undefined) log.info(explanation.figures, explanation.text)
 */
export function explainRejection(error: unknown): Explanation | undefined {
  if (error instanceof RetriesExhaustedError) {
    const { code, service, operation, attempt, message: text, retryAfterMs, attempts, reason } = error
    const waitedMs = attempts.reduce((sum, { delayMs }) => sum + delayMs, 0)
    const figures = { reason, attempts: attempts.length, waitedMs }
    return { decider: 'retry', code, service, operation, attempt, text, figures, retryAfterMs }
  }
  if (!isRejection(error)) return undefined
  const { code, service, operation, attempt, message: text, figures = {}, retryAfterMs } = error
  const decider = DECIDERS[code]
  return decider && { decider, code, service, operation, attempt, text, figures, retryAfterMs }
}
