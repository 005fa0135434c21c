import type { Clock } from '../clock.ts'
import type { HookErrorReporter } from '../events.ts'
import { callback, durationMs, instance, type Rules, wholeNumber } from '../options.ts'

/** The state of a circuit. */
export type CircuitState = 'CLOSED' | 'OPEN' | 'HALF_OPEN'

/** Who decides: the counts, an operator who tripped it, nobody because it is switched off, or a fleet of processes. */
export type CircuitMode = 'automatic' | 'tripped' | 'disabled' | 'fleet'

/** Why a circuit changed. */
export type CircuitChangeReason =
  | 'failure-threshold'
  | 'recovery-timeout'
  | 'probe-succeeded'
  | 'probe-failed'
  | 'probe-timed-out'
  | 'tripped'
  | 'reset'
  | 'disabled'
  | FleetChangeReason

/** Why a fleet of processes changed a circuit. */
export type FleetChangeReason = 'fleet-opened' | 'fleet-recovering' | 'fleet-closed'

/** A change of state, as listeners are told. */
export interface CircuitChange {
  /** Name of the circuit, which is that of the service. */
  readonly name: string
  readonly from: CircuitState
  readonly to: CircuitState
  readonly reason: CircuitChangeReason
  /** When, in milliseconds since 1970. */
  readonly at: number
  /** The error that did it, if one did. */
  readonly error?: unknown
  /** What the operator said, if one did it. */
  readonly note?: string
}

/** Options of a circuit breaker. */
export interface CircuitBreakerOptions {
  /** How many failures in a row open the circuit. Default 5. */
  readonly failureThreshold?: number | undefined
  /** How long it stays open before a probe is let through, in milliseconds. Default 30,000. */
  readonly recoveryTimeoutMs?: number | undefined
  /** How many probes may run at a time while half-open. Default 1. */
  readonly maxProbes?: number | undefined
  /** How many probes must succeed to close it. Default 1. */
  readonly successThreshold?: number | undefined
  /** After how many milliseconds a probe that has not settled counts as failed. Default 30,000. */
  readonly probeTimeoutMs?: number | undefined
  /**
   * Whether an error is a failure of the service. Not asked for refusals and cancellations, which never are. An error
   * that is none counts as an answer, so as a success. Default: everything is but 4xx other than 408 and 425; a 429
   * counts as nothing.
   */
  readonly isFailure?: ((error: unknown) => boolean) | undefined
  /** Whether a returned value is a failure of the service, for example a `Response` with status 503. Default: none is. */
  readonly isFailureResult?: ((value: unknown) => boolean) | undefined
  /** Told of every change of state, after it. */
  readonly onStateChange?: ((change: CircuitChange) => void) | undefined
  /** Told when one of the functions above throws. Default: written to the console. */
  readonly onHookError?: HookErrorReporter | undefined
  /** Source of time. Default: the system's. */
  readonly clock?: Clock | undefined
}

/** The rules that {@link CircuitBreakerOptions} are held to. */
export const CIRCUIT_BREAKER_RULES: Rules<CircuitBreakerOptions> = {
  failureThreshold: wholeNumber(1),
  recoveryTimeoutMs: durationMs(1),
  maxProbes: wholeNumber(1),
  successThreshold: wholeNumber(1),
  probeTimeoutMs: durationMs(1),
  isFailure: callback,
  isFailureResult: callback,
  onStateChange: callback,
  onHookError: callback,
  clock: instance('a Clock'),
}

/** A circuit at one moment, as plain data. */
export interface CircuitBreakerSnapshot {
  readonly name: string
  readonly state: CircuitState
  readonly mode: CircuitMode
  /** Failures in a row so far. */
  readonly failureCount: number
  /** How many opens it. */
  readonly failureThreshold: number
  /** Probes under way. */
  readonly probes: number
  /** Outcomes and refusals since it was made. */
  readonly totals: {
    readonly successes: number
    readonly failures: number
    readonly neutral: number
    readonly refused: number
    readonly opened: number
  }
  /** When the state was entered, in milliseconds since 1970. */
  readonly since: number
  /** From when on the next call is let through as a probe, in milliseconds since 1970; null when nothing is awaited. */
  readonly nextAttemptAt: number | null
  /** The last failure in a few words; null before the first. */
  readonly lastError: string | null
}
