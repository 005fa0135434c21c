/** What a circuit says to whom it refuses. The text is made once for a state, and its end when somebody reads it. */
import { brief, CircuitOpenError, type ErrorContext, type Figures } from '../errors.ts'
import type { CircuitBreakerSnapshot } from './circuit-breaker-options.ts'

/** Why a circuit refuses, in words and figures: the same for all whom it refuses in one state. */
export interface CircuitExplanation {
  readonly text: string
  readonly figures: Figures
}

/** What is known of why it is as it is. */
interface Reasons {
  /** What somebody wrote who changed it. */
  readonly note: string | undefined
  /** What opened it, where that was no streak of failures. */
  readonly cause: string | undefined
  readonly lastError: unknown
}

export function explainCircuit(snapshot: CircuitBreakerSnapshot, reasons: Reasons): CircuitExplanation {
  const { state, mode, failureCount, failureThreshold, usualSuccessRate, since } = snapshot
  const figures = { state, mode, failureCount, failureThreshold, usualSuccessRate, since }
  return { text: textOf(snapshot, reasons), figures }
}

function textOf({ state, mode, failureCount }: CircuitBreakerSnapshot, { note, cause, lastError }: Reasons): string {
  if (mode === 'tripped') return `circuit was tripped by hand${note === undefined ? '' : ` (${note})`}`
  if (mode === 'fleet') return `circuit was opened by the fleet (${note})`
  if (state === 'HALF_OPEN') return 'circuit is half-open and its probes are out'
  if (cause !== undefined) return `circuit is open: ${cause}`
  const last = lastError === undefined ? '' : ` (last: ${brief(lastError)})`
  return `circuit is open after ${failureCount} failures in a row${last}`
}

/** @param retryAfterMs undefined for a circuit that was opened by hand */
export function refuseForCircuit(
  { text, figures }: CircuitExplanation,
  context: ErrorContext,
  retryAfterMs: number | undefined,
  lastError: unknown,
): CircuitOpenError {
  const message = (): string => `${text}; ${advice(retryAfterMs)}`
  return new CircuitOpenError(message, context, retryAfterMs, lastError, figures)
}

function advice(retryAfterMs: number | undefined): string {
  if (retryAfterMs === undefined) return 'call reset() to close it'
  return `a probe is let through in ${Math.ceil(retryAfterMs)} ms at the latest, come back then`
}
