/** Changes of circuits, as an operator tells them. */
import type { ShownState, StandingAct } from '@holdfast/console/api'
import { briefFailure, type CircuitEvent, HoldfastError, type Service } from 'holdfast'

/** The longest text of an error that is kept. */
const LONGEST_ERROR = 160

/** Where a service stands, as an operator calls it. */
export function shownState(service: Service, acts: readonly StandingAct[]): ShownState {
  const breaker = service.circuitBreaker
  if (breaker === undefined) return 'CLOSED'
  if (breaker.mode === 'disabled') return 'DISABLED'
  if (breaker.mode === 'tripped' && acts.some(({ kind }) => kind === 'pause')) return 'PAUSED'
  return breaker.state
}

/** A change of state in words: the end of a sentence that begins with the service's name. */
export function circuitText({ to, reason, error, note }: CircuitEvent, failureCount: number): string {
  const why = error === undefined ? '' : `: ${errorText(error)}`
  switch (reason) {
    case 'failure-threshold':
      return `opened after ${failureCount} ${failureCount === 1 ? 'failure' : 'failures in a row'}${why}`
    case 'failure-rate':
      return `opened because too many calls failed${why}`
    case 'slow-call-rate':
      return 'opened because too many calls were slow'
    case 'recovery-timeout':
      return 'lets a probe through'
    case 'critical-call':
      return 'lets a critical call through, as a probe'
    case 'probe-succeeded':
      return 'closed: the probe was answered'
    case 'probe-failed':
      return `opened again: the probe failed${why}`
    case 'probe-slow':
      return 'opened again: the probe was answered, but too slowly'
    case 'probe-timed-out':
      return 'opened again: the probe had no answer'
    case 'tripped':
      return `was opened by hand${note === undefined ? '' : ` (${note})`}`
    case 'reset':
      return 'was closed by hand'
    case 'disabled':
      return 'was switched off by hand'
    default:
      return `is ${to}: ${String(reason).replaceAll('-', ' ')}${why}`
  }
}

/** An error in a few words, without where it happened, which is told beside it. */
export function errorText(error: unknown): string {
  const text = briefFailure(error).replace(/^\S+( \(attempt \d+\))?: /, (where) =>
    error instanceof HoldfastError ? '' : where,
  )
  return text.length > LONGEST_ERROR ? `${text.slice(0, LONGEST_ERROR - 1)}…` : text
}
