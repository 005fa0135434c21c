/** The circuit breaker: a state machine with permits. It has no timers and makes no promises of its own. */
import { type Clock, systemClock } from '../clock.ts'
import { brief, CircuitOpenError, makeRefusal } from '../errors.ts'
import { type HookErrorReporter, Listeners, reportToConsole, type Unsubscribe } from '../events.ts'
import { briefFailure, type Verdict } from '../failures.ts'
import { check, checkOptions, nameText } from '../options.ts'
import type { CallOptions, Guarded } from '../pipeline/call.ts'
import { Executor } from '../pipeline/executor.ts'
import type { CircuitCall, CircuitMarks, Guard } from '../pipeline/guard.ts'
import { Judge } from '../pipeline/judge.ts'
import { makePlan } from '../pipeline/plan.ts'
import {
  CIRCUIT_BREAKER_RULES,
  type CircuitBreakerOptions,
  type CircuitBreakerSnapshot,
  type CircuitChange,
  type CircuitChangeReason,
  type CircuitMode,
  type CircuitState,
  type FleetChangeReason,
} from './circuit-breaker-options.ts'
import { CircuitPermit } from './circuit-permit.ts'

/** A lease that nobody holds. */
const FREE = Number.NEGATIVE_INFINITY

/** The generation of a call whose outcome is nobody's business. */
const UNCOUNTED = 0

/** What a call that is no probe holds. */
const NO_PROBE = -1

/**
 * Stops calling a service that keeps failing, and finds out with single probes when it is back.
 *
 * CLOSED lets everything through and counts failures in a row. At `failureThreshold` it becomes OPEN: calls are refused at
 * once with a {@link CircuitOpenError}. The first call after `recoveryTimeoutMs` makes it HALF_OPEN and is let through as a
 * probe; success closes the circuit, failure opens it again. An outcome counts only in the very state that admitted its
 * call: what arrives after the state has changed changes nothing.
 *
 * @example
 * const breaker = new CircuitBreaker('alpaca', { failureThreshold: 5, recoveryTimeoutMs: 30_000 })
 * breaker.onStateChange(({ name, from, to, reason }) => log(`${name}: ${from} → ${to} (${reason})`))
 * const account = await breaker.execute(({ signal }) => fetch(url, { signal }))
 */
export class CircuitBreaker implements Guard {
  /** Name of the service. */
  readonly name: string
  /** How errors and results are judged. */
  readonly judge: Judge

  readonly #failureThreshold: number
  readonly #recoveryTimeoutMs: number
  readonly #successThreshold: number
  readonly #probeTimeoutMs: number
  readonly #clock: Clock
  readonly #changes: Listeners<CircuitChange>
  readonly #executor: Executor

  #state: CircuitState = 'CLOSED'
  #mode: CircuitMode = 'automatic'
  /** Grows with every change of state: a permit of another generation is void. */
  #generation = 1
  /** The generation that calls are given: that of the state, or one that no state has when nothing is to be counted. */
  #issued = 1
  #failureCount = 0
  #probeSuccesses = 0
  /** For each probe that may run, when its lease began. */
  readonly #leases: number[]
  #openedAt = 0
  #since: number
  #lastError: unknown
  #note: string | undefined
  /** Why calls are refused, once somebody has been. */
  #explanation: string | undefined
  #successes = 0
  #failures = 0
  #neutral = 0
  #refused = 0
  #opened = 0

  /** @throws InvalidOptionError when a name or an option makes no sense */
  constructor(name: string, options: CircuitBreakerOptions = {}) {
    check('name', name, nameText)
    checkOptions('circuitBreaker', options, CIRCUIT_BREAKER_RULES)
    this.name = name
    this.#failureThreshold = options.failureThreshold ?? 5
    this.#recoveryTimeoutMs = options.recoveryTimeoutMs ?? 30_000
    this.#successThreshold = options.successThreshold ?? 1
    this.#probeTimeoutMs = options.probeTimeoutMs ?? 30_000
    this.#leases = Array.from({ length: options.maxProbes ?? 1 }, () => FREE)
    this.#clock = options.clock ?? systemClock
    this.#since = this.#clock.wallTime()
    const report: HookErrorReporter = options.onHookError ?? reportToConsole
    this.judge = new Judge({ ...options, clock: this.#clock, report })
    this.#changes = new Listeners('onStateChange', report)
    if (options.onStateChange !== undefined) this.#changes.subscribe(options.onStateChange)
    this.#executor = new Executor(makePlan({ service: name, circuit: this, judge: this.judge, clock: this.#clock }))
  }

  /** Where the circuit is. Open becomes half-open on the first call after `nextAttemptAt`, not by itself. */
  get state(): CircuitState {
    return this.#state
  }

  /** Who decides over the state. */
  get mode(): CircuitMode {
    return this.#mode
  }

  /** Failures in a row so far. */
  get failureCount(): number {
    return this.#failureCount
  }

  /** In how many milliseconds the next call may be let through; 0 when now; undefined when only `reset()` helps. */
  get retryAfterMs(): number | undefined {
    return this.#retryAfterMs(this.#clock.now())
  }

  /** From when on the next call is let through as a probe, in milliseconds since 1970; null unless it is open or probing. */
  get nextAttemptAt(): number | null {
    if (this.#state === 'CLOSED') return null
    const wait = this.retryAfterMs
    return wait === undefined ? null : this.#clock.wallTime() + wait
  }

  /** Adds a listener to changes of state. @returns what removes it */
  onStateChange(listener: (change: CircuitChange) => void): Unsubscribe {
    return this.#changes.subscribe(listener)
  }

  /**
   * Calls the function if the circuit allows, and learns from what becomes of it.
   *
   * @throws CircuitOpenError when it does not allow; otherwise what the function throws
   */
  execute<T>(fn: Guarded<T>, options?: CallOptions): Promise<Awaited<T>> {
    return this.#executor.execute(fn, options)
  }

  /**
   * Asks for a permit, for those who write the `try` themselves. Settle it exactly once; a permit of a half-open circuit
   * that is never settled counts as failed after `probeTimeoutMs`.
   *
   * @throws CircuitOpenError
   * @example
   * const permit = breaker.tryEnter()
   * try { const answer = ask(); permit.succeed(); return answer } catch (error) { permit.fail(error); throw error }
   */
  tryEnter(): CircuitPermit {
    const permit = new CircuitPermit(this, this.#clock)
    const refusal = this.enter(permit)
    if (refusal !== undefined) throw refusal
    return permit
  }

  /** Opens the circuit and keeps it open until {@link reset}. @param note why, for whoever looks */
  trip(note?: string): void {
    this.#mode = 'tripped'
    this.#note = note
    this.#openedAt = this.#clock.now()
    this.#become('OPEN', 'tripped', undefined, note)
  }

  /** Closes the circuit, forgets what it counted, and lets it decide by itself again. */
  reset(): void {
    this.#mode = 'automatic'
    this.#note = undefined
    this.#become('CLOSED', 'reset')
  }

  /** Switches it off: everything is let through and nothing is counted until {@link reset}. @param note why */
  disable(note?: string): void {
    this.#mode = 'disabled'
    this.#note = note
    this.#become('CLOSED', 'disabled', undefined, note)
  }

  /**
   * For a fleet: what many processes found out together takes the place of what this one did. Open, it makes no probes of
   * its own until it is told to close. An operator's `trip` and `disable` win.
   */
  follow(to: 'OPEN' | 'CLOSED', reason: FleetChangeReason, note: string): void {
    if (this.#mode === 'tripped' || this.#mode === 'disabled') return
    this.#mode = to === 'OPEN' ? 'fleet' : 'automatic'
    this.#note = note
    this.#openedAt = this.#clock.now()
    this.#become(to, reason, undefined, note)
  }

  /** Everything there is to see, as plain data. */
  snapshot(): CircuitBreakerSnapshot {
    return {
      name: this.name,
      state: this.#state,
      mode: this.#mode,
      failureCount: this.#failureCount,
      failureThreshold: this.#failureThreshold,
      probes: this.#leases.filter((begun) => begun !== FREE).length,
      totals: {
        successes: this.#successes,
        failures: this.#failures,
        neutral: this.#neutral,
        refused: this.#refused,
        opened: this.#opened,
      },
      since: this.#since,
      nextAttemptAt: this.nextAttemptAt,
      lastError: this.#lastError === undefined ? null : briefFailure(this.#lastError),
    }
  }

  /** Whether a call at that time would be refused: lets a retry that has no chance be given up without waiting. */
  wouldRefuseAt(time: number): boolean {
    const wait = this.#retryAfterMs(time)
    return wait === undefined || wait > 0
  }

  enter(call: CircuitCall): CircuitOpenError | undefined {
    if (this.#state !== 'CLOSED') return this.#enterGuarded(call)
    call.circuitGeneration = this.#issued
    return undefined
  }

  #enterGuarded(call: CircuitCall): CircuitOpenError | undefined {
    const now = call.now()
    this.#expireProbes(now)
    if (this.#state === 'OPEN' && !this.#mayProbe(now)) return this.#refuse(call, now)
    if (this.#state === 'OPEN') this.#become('HALF_OPEN', 'recovery-timeout')
    // A listener may have changed the state again: what counts is the state that admits.
    call.circuitGeneration = this.#issued
    if (this.#state === 'CLOSED') return undefined
    const lease = this.#state === 'HALF_OPEN' ? this.#leases.indexOf(FREE) : -1
    if (lease < 0) return this.#refuse(call, call.now())
    this.#leases[lease] = call.now()
    call.circuitProbe = lease
    return undefined
  }

  enterAtOnce(call: CircuitMarks): boolean {
    if (this.#state !== 'CLOSED') return false
    call.circuitGeneration = this.#issued
    return true
  }

  exit(call: CircuitMarks, verdict: Verdict, error?: unknown): void {
    if (call.circuitGeneration !== this.#generation || verdict !== 'success' || this.#state !== 'CLOSED') {
      this.#exitGuarded(call, verdict, error)
      return
    }
    this.#successes++
    this.#failureCount = 0
  }

  #exitGuarded(call: CircuitMarks, verdict: Verdict, error: unknown): void {
    const { circuitGeneration, circuitProbe } = call
    call.circuitProbe = NO_PROBE
    if (circuitGeneration !== this.#generation) return
    if (this.#state === 'HALF_OPEN') {
      this.#expireProbes(call.now())
      if (circuitGeneration !== this.#generation) return
    }
    if (circuitProbe !== NO_PROBE) this.#leases[circuitProbe] = FREE
    if (verdict === 'success') this.#succeeded()
    else if (verdict === 'failure') this.#failed(call, error)
    else if (verdict === 'neutral') this.#neutral++
  }

  #succeeded(): void {
    this.#successes++
    this.#failureCount = 0
    if (this.#state === 'HALF_OPEN' && ++this.#probeSuccesses >= this.#successThreshold) {
      this.#become('CLOSED', 'probe-succeeded')
    }
  }

  #failed(call: CircuitMarks, error: unknown): void {
    this.#failures++
    this.#failureCount++
    this.#lastError = error
    if (this.#state === 'HALF_OPEN') {
      this.#openedAt = call.now()
      this.#become('OPEN', 'probe-failed', error)
    } else if (this.#failureCount >= this.#failureThreshold) {
      this.#openedAt = call.now()
      this.#become('OPEN', 'failure-threshold', error)
    }
  }

  /** A probe that outlives its lease has failed, at the moment that the lease ended. */
  #expireProbes(now: number): void {
    if (this.#state !== 'HALF_OPEN') return
    for (const begun of this.#leases) {
      if (begun === FREE || now - begun < this.#probeTimeoutMs) continue
      this.#failures++
      this.#failureCount++
      this.#openedAt = begun + this.#probeTimeoutMs
      this.#become('OPEN', 'probe-timed-out')
      return
    }
  }

  #mayProbe(now: number): boolean {
    return this.#mode === 'automatic' && now - this.#openedAt >= this.#recoveryTimeoutMs
  }

  #retryAfterMs(now: number): number | undefined {
    if (this.#state === 'CLOSED') return 0
    if (this.#mode === 'tripped') return undefined
    if (this.#state === 'OPEN') return Math.max(0, this.#openedAt + this.#recoveryTimeoutMs - now)
    if (this.#leases.includes(FREE)) return 0
    return Math.max(0, Math.min(...this.#leases) + this.#probeTimeoutMs - now)
  }

  #refuse(call: CircuitCall, now: number): CircuitOpenError {
    this.#refused++
    const retryAfterMs = this.#retryAfterMs(now)
    this.#explanation ??= this.#explain()
    const explanation = this.#explanation
    const { service = this.name, operation, attempt } = call
    return makeRefusal(
      () =>
        new CircuitOpenError(
          () => `${explanation}; ${advice(retryAfterMs)}`,
          { service, operation, attempt },
          retryAfterMs,
          this.#lastError,
        ),
    )
  }

  #explain(): string {
    if (this.#mode === 'tripped')
      return `circuit was tripped by hand${this.#note === undefined ? '' : ` (${this.#note})`}`
    if (this.#mode === 'fleet') return `circuit was opened by the fleet (${this.#note})`
    if (this.#state === 'HALF_OPEN') return 'circuit is half-open and its probes are out'
    const last = this.#lastError === undefined ? '' : ` (last: ${brief(this.#lastError)})`
    return `circuit is open after ${this.#failureCount} failures in a row${last}`
  }

  #become(to: CircuitState, reason: CircuitChangeReason, error?: unknown, note?: string): void {
    const from = this.#state
    this.#state = to
    this.#generation++
    this.#explanation = undefined
    this.#issued = this.#mode === 'disabled' ? UNCOUNTED : this.#generation
    this.#since = this.#clock.wallTime()
    this.#leases.fill(FREE)
    this.#probeSuccesses = 0
    if (to === 'CLOSED') this.#failureCount = 0
    if (to === 'OPEN') this.#opened++
    if (!this.#changes.any) return
    this.#changes.emit({
      name: this.name,
      from,
      to,
      reason,
      at: this.#since,
      ...(error === undefined ? {} : { error }),
      ...(note === undefined ? {} : { note }),
    })
  }
}

function advice(retryAfterMs: number | undefined): string {
  if (retryAfterMs === undefined) return 'call reset() to close it'
  return `a probe is let through in ${Math.ceil(retryAfterMs)} ms at the latest, come back then`
}
