import type { Clock, Random } from '../clock.ts'
import type { HookErrorReporter } from '../events.ts'
import { callback, clockRule, durationMs, flag, type Rules, share, wholeNumber } from '../options.ts'

/** The state of a circuit. */
export type CircuitState = 'CLOSED' | 'OPEN' | 'HALF_OPEN'

/** Who decides: the counts, an operator who tripped it, nobody because it is switched off, or a fleet of processes. */
export type CircuitMode = 'automatic' | 'tripped' | 'disabled' | 'fleet'

/** Why a circuit changed. */
export type CircuitChangeReason =
  | 'failure-threshold'
  | 'failure-rate'
  | 'slow-call-rate'
  | 'recovery-timeout'
  | 'critical-call'
  | 'probe-succeeded'
  | 'probe-failed'
  | 'probe-slow'
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
  readonly note?: string | undefined
}

/** What a {@link CircuitBreakerOptions.probe} is given. */
export interface ProbeCall {
  /** Aborted after `probeTimeoutMs`. */
  readonly signal: AbortSignal
  /** The key whose circuit is open, where there are circuits for keys; undefined for the service's own. */
  readonly key?: string
}

/** Options of a circuit breaker. */
export interface CircuitBreakerOptions {
  /** How many failures in a row open the circuit. Default 5. */
  readonly failureThreshold?: number | undefined
  /**
   * The streak must also be rarer than this while the service does as it usually does: `(1 − p)^streak`, where `p` is its
   * usual success rate. From above 0 to 1; 1 makes `failureThreshold` alone decide. Default 1.
   */
  readonly streakProbability?: number | undefined
  /** Which share of failures among the calls of the window opens the circuit, from above 0 to 1. Default: none does. */
  readonly failureRate?: number | undefined
  /** From which duration on a call is slow, in milliseconds, whether or not it fails. Default: none is. */
  readonly slowCallMs?: number | undefined
  /** Which share of slow calls in the window opens the circuit, from above 0 to 1. Default 0.5, where `slowCallMs` is set. */
  readonly slowCallRate?: number | undefined
  /** The window of the rates, as a number of calls: the last so many. Default 100. */
  readonly windowCalls?: number | undefined
  /** The window of the rates, in milliseconds, instead of a number of calls. */
  readonly windowMs?: number | undefined
  /** With how many calls in the window a rate is looked at. Default 20, or `windowCalls` if that is less. */
  readonly minimumCalls?: number | undefined
  /** How long it stays open before a probe is let through, in milliseconds: exactly, or at most with `probeShare`. Default 30,000. */
  readonly recoveryTimeoutMs?: number | undefined
  /** Which share of the calls are let through as probes while it is open, from above 0 to 1. Default: one each `recoveryTimeoutMs`. */
  readonly probeShare?: number | undefined
  /** The shortest time between probes with `probeShare`, in milliseconds. Default 250. */
  readonly minProbeIntervalMs?: number | undefined
  /**
   * What is called to find out whether the service is back, so that no call of a user's is the probe. With a `key` it must
   * ask about that part of the service: its answer closes the circuit of the key. Default: the next call is the probe.
   */
  readonly probe?: ((call: ProbeCall) => unknown) | undefined
  /** How many probes may run at a time while half-open. Default 1. */
  readonly maxProbes?: number | undefined
  /** How many probes must succeed to close it. Default 1. */
  readonly successThreshold?: number | undefined
  /** After how many milliseconds a probe that has not settled counts as failed. Default 30,000. */
  readonly probeTimeoutMs?: number | undefined
  /**
   * Whether calls with the priority `critical` are let through although it is open: as a probe before its time, or, while as
   * many probes run as may, without being counted. A circuit that was opened by hand refuses them too. Default false.
   */
  readonly criticalProbes?: boolean | undefined
  /** How many callers wait for the first probe of an outage instead of being refused. Default 0. */
  readonly maxParked?: number | undefined
  /** For how long after an outage began callers are let wait so, in milliseconds. Default 600. */
  readonly parkingMs?: number | undefined
  /**
   * Calls with a `key` have a circuit for that key too, within the service's; this many keys can be failing at once. The
   * service's own opens only when at least `keysToOpen` keys fail. Default 0: keys are not looked at.
   */
  readonly maxKeys?: number | undefined
  /** How many keys must fail before the whole service is taken to. Default 3. */
  readonly keysToOpen?: number | undefined
  /** False lets every call through and only counts what would have been refused. Default true. */
  readonly enforce?: boolean | undefined
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
  /** Source of randomness. Default: the system's. */
  readonly random?: Random | undefined
}

/** The rules that {@link CircuitBreakerOptions} are held to. */
export const CIRCUIT_BREAKER_RULES: Rules<CircuitBreakerOptions> = {
  failureThreshold: wholeNumber(1),
  streakProbability: share,
  failureRate: share,
  slowCallMs: durationMs(1),
  slowCallRate: share,
  windowCalls: wholeNumber(1, 1_000_000),
  windowMs: durationMs(100),
  minimumCalls: wholeNumber(1),
  recoveryTimeoutMs: durationMs(1),
  probeShare: share,
  minProbeIntervalMs: durationMs(1),
  probe: callback,
  maxProbes: wholeNumber(1, 1_000),
  successThreshold: wholeNumber(1),
  probeTimeoutMs: durationMs(1),
  criticalProbes: flag,
  maxParked: wholeNumber(0),
  parkingMs: durationMs(0),
  maxKeys: wholeNumber(0),
  keysToOpen: wholeNumber(1),
  enforce: flag,
  isFailure: callback,
  isFailureResult: callback,
  onStateChange: callback,
  onHookError: callback,
  clock: clockRule,
  random: callback,
}

/** A circuit at one moment, as plain data. */
export interface CircuitBreakerSnapshot {
  readonly name: string
  readonly state: CircuitState
  readonly mode: CircuitMode
  /** Failures in a row so far. */
  readonly failureCount: number
  /** How many open it at present: `failureThreshold`, or more where the usual success rate asks for more. */
  readonly failureThreshold: number
  /** Share of calls that usually succeed; null while `streakProbability` is 1. */
  readonly usualSuccessRate: number | null
  /** False in shadow mode: what it refuses is only counted. */
  readonly enforced: boolean
  /** Callers who wait for a probe. */
  readonly parked: number
  /** Keys whose own circuit is not closed, with its state. */
  readonly keys: Readonly<Record<string, CircuitState>>
  /** What the rates are taken from; null where none is a rule. */
  readonly window: { readonly calls: number; readonly failures: number; readonly slow: number } | null
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
