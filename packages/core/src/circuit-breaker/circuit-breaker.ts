/** The circuit breaker: a state machine with permits. It has no timers and makes no promises of its own. */
import { type Clock, systemClock, systemRandom } from '../clock.ts'
import type { CircuitOpenError } from '../errors.ts'
import { type HookErrorReporter, Listeners, reportToConsole, type Unsubscribe } from '../events.ts'
import { briefFailure, describeFailure, type Verdict } from '../failures.ts'
import type { Priority } from '../gate/priority.ts'
import { check, checkOptions, nameText } from '../options.ts'
import type { CallOptions, Guarded } from '../pipeline/call.ts'
import { executeSync, type SyncCallOptions, type SyncGuarded } from '../pipeline/execute-sync.ts'
import { Executor } from '../pipeline/executor.ts'
import { type Admission, type CircuitCall, type CircuitMarks, type Guard, WAITING } from '../pipeline/guard.ts'
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
import { type CircuitExplanation, explainCircuit, refuseForCircuit } from './circuit-refusal.ts'
import { type OwnProbe, runOwnProbe } from './own-probe.ts'
import { Parking } from './parking.ts'
import { ProbeLeases } from './probe-leases.ts'
import { ProbeSchedule } from './probe-schedule.ts'
import { type RateReason, RateRules } from './rate-rules.ts'
import { ShardCall, Shards } from './shards.ts'
import { StreakEvidence } from './streak-evidence.ts'

/** The generation of a call whose outcome is nobody's business. */
const UNCOUNTED = 0

/** All calls have to ask. */
const NONE = -1

/** What a call that is no probe holds. */
const NO_PROBE = -1

/** Changes after which those who wait for a probe wait on: it has yet to be sent, or to be answered. */
const KEEPS_PARKED: ReadonlySet<CircuitChangeReason> = new Set([
  'failure-threshold',
  'failure-rate',
  'slow-call-rate',
  'recovery-timeout',
  'critical-call',
])

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
  /** Whether it must know how long calls take. */
  readonly isTimed: boolean

  readonly #options: CircuitBreakerOptions
  readonly #successThreshold: number = 0
  readonly #keysToOpen: number = 0
  readonly #enforce: boolean
  readonly #criticalProbes: boolean
  readonly #measuresDemand: boolean
  readonly #evidence: StreakEvidence
  readonly #rates: RateRules | undefined
  readonly #schedule: ProbeSchedule
  readonly #leases: ProbeLeases
  readonly #parking: Parking | undefined
  readonly #shards: Shards | undefined
  readonly #clock: Clock
  readonly #changes: Listeners<CircuitChange>
  readonly #executor: Executor

  #state: CircuitState = 'CLOSED'
  #mode: CircuitMode = 'automatic'
  /** Grows with every change of state: a permit of another generation is void. */
  #generation = 1
  /** The generation that calls are given: that of the state, or one that no state has when nothing is to be counted. */
  #issued = 1
  #closedGeneration = 0
  #probeSuccesses = 0
  /** The keys of the present streak, as far as their number matters. */
  readonly #failingKeys = new Set<string>()
  #since = 0
  #lastError: unknown
  #note: string | undefined
  /** What opened it, where that was not a streak of failures. */
  #cause: string | undefined
  /** Why calls are refused, once somebody has been. */
  #explanation: CircuitExplanation | undefined
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
    const { recoveryTimeoutMs = 30_000, minProbeIntervalMs = 250, probeShare, maxKeys = 0 } = options
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#since = this.#clock.wallTime()
    const report: HookErrorReporter = options.onHookError ?? reportToConsole
    this.judge = new Judge({ ...options, clock: this.#clock, report })
    this.#changes = new Listeners('onStateChange', report)
    if (options.onStateChange !== undefined) this.#changes.subscribe(options.onStateChange)
    this.isTimed = options.slowCallMs !== undefined
    this.#executor = new Executor(makePlan({ service: name, circuit: this, judge: this.judge, clock: this.#clock }))
    this.#successThreshold = options.successThreshold ?? 1
    this.#keysToOpen = options.keysToOpen ?? 3
    this.#enforce = options.enforce ?? true
    this.#criticalProbes = options.criticalProbes ?? false
    this.#measuresDemand = probeShare !== undefined
    this.#closedGeneration = this.#measuresDemand ? NONE : this.#issued
    this.#evidence = new StreakEvidence(options.failureThreshold ?? 5, options.streakProbability ?? 1)
    this.#rates = RateRules.of(options)
    const pacing = { recoveryTimeoutMs, minProbeIntervalMs, probeShare }
    this.#schedule = new ProbeSchedule(pacing, options.random ?? systemRandom)
    this.#leases = new ProbeLeases(options.maxProbes ?? 1, options.probeTimeoutMs ?? 30_000)
    const { maxParked = 0, parkingMs = 600 } = options
    if (maxParked > 0)
      this.#parking = new Parking(this.#clock, maxParked, parkingMs, (now) => this.#retryAfterMs(now) ?? 0)
    if (maxKeys > 0) this.#shards = new Shards(maxKeys, (key) => this.#makeShard(key))
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
    return this.#evidence.streak
  }

  /** Whether nothing speaks against the service: closed, and its last outcomes good. */
  get isWell(): boolean {
    return this.#state === 'CLOSED' && this.#evidence.isWell
  }

  /** In how many milliseconds the next call may be let through; 0 when now; undefined when only `reset()` helps. */
  get retryAfterMs(): number | undefined {
    return this.#retryAfterMs(this.#clock.now())
  }

  /**
   * From when on the next call is let through as a probe, in milliseconds since 1970; null unless it is open or probing.
   * A moment that has passed stays what it was until a call comes.
   */
  get nextAttemptAt(): number | null {
    if (this.#state === 'CLOSED' || this.#mode === 'tripped') return null
    const now = this.#clock.now()
    const wait = this.#state === 'OPEN' ? this.#schedule.nextAt(now) - now : (this.#retryAfterMs(now) ?? 0)
    return this.#clock.wallTime() + wait
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
   * The same for a function that returns a value and no promise: now or not at all. It costs no promise.
   *
   * @throws CircuitOpenError; what the function throws; TypeError when it returns a promise
   */
  executeSync<T>(fn: SyncGuarded<T>, options?: SyncCallOptions): T {
    return executeSync(this.#executor.plan, fn, options)
  }

  /**
   * Asks for a permit, for those who write the `try` themselves. Settle it exactly once; a permit of a half-open circuit
   * that is never settled counts as failed after `probeTimeoutMs`.
   *
   * @param key which part of the service it is about, where there are circuits for keys
   * @throws CircuitOpenError
   * @example
   * const permit = breaker.tryEnter()
   * try { const answer = ask(); permit.succeed(); return answer } catch (error) { permit.fail(error); throw error }
   */
  tryEnter(key?: string): CircuitPermit {
    const permit = new CircuitPermit(this, this.#clock, key)
    const admission = this.enter(permit)
    // A permit is never let wait, so it is admitted or refused.
    if (admission !== undefined) throw admission
    return permit
  }

  /** Opens the circuit and keeps it open until {@link reset}. @param note why, for whoever looks */
  trip(note?: string): void {
    this.#mode = 'tripped'
    this.#note = note
    this.#become('OPEN', 'tripped', { note })
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
    this.#become('CLOSED', 'disabled', { note })
  }

  /**
   * For a fleet: what many processes found out together takes the place of what this one did. Open, it makes no probes of
   * its own until it is told to close. An operator's `trip` and `disable` win.
   */
  follow(to: 'OPEN' | 'CLOSED', reason: FleetChangeReason, note: string): void {
    if (this.#mode === 'tripped' || this.#mode === 'disabled') return
    this.#mode = to === 'OPEN' ? 'fleet' : 'automatic'
    this.#note = note
    if (to === 'OPEN') this.#schedule.opened(this.#clock.now(), undefined)
    this.#become(to, reason, { note })
  }

  /** Everything there is to see, as plain data. */
  snapshot(): CircuitBreakerSnapshot {
    return {
      name: this.name,
      state: this.#state,
      mode: this.#mode,
      failureCount: this.failureCount,
      failureThreshold: this.#evidence.neededAt(this.#clock.now()),
      usualSuccessRate: (this.#options.streakProbability ?? 1) < 1 ? this.#evidence.usualSuccessRate : null,
      window: this.#rates?.snapshot(this.#clock.now()) ?? null,
      enforced: this.#enforce,
      probes: this.#leases.held,
      parked: this.#parking?.size ?? 0,
      keys: Object.fromEntries([...(this.#shards ?? [])].map(([key, { state }]) => [key, state])),
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
  wouldRefuseAt(time: number, priority: Priority = 'normal'): boolean {
    if (!this.#enforce || this.#mustTry(priority)) return false
    const wait = this.#retryAfterMs(time)
    return wait === undefined || wait > 0
  }

  get closedGeneration(): number {
    return this.#closedGeneration
  }

  enter(call: CircuitCall): Admission {
    if (this.#measuresDemand) this.#schedule.called(call.now())
    if (this.#state !== 'CLOSED' || !this.#concernsOnlyAll(call)) return this.#consider(call)
    call.circuitGeneration = this.#issued
    return undefined
  }

  /** Whether no shard has a say in what becomes of the call. */
  #concernsOnlyAll(call: CircuitMarks): boolean {
    return this.#shards === undefined || call.key === undefined
  }

  #consider(call: CircuitCall): Admission {
    if (this.#shards !== undefined && this.#state === 'CLOSED' && this.#mode !== 'disabled') {
      const admission = this.#shards.enter(call)
      if (admission !== undefined) return this.#enforce ? admission : this.#letThrough(call)
    }
    if (this.#admit(call)) return undefined
    if (this.#mustTry(call.priority)) return this.#letThrough(call)
    this.#refused++
    if (!this.#enforce) return this.#letThrough(call)
    const now = call.now()
    if (this.#parking !== undefined && call.mayPark && this.#mode === 'automatic') {
      const probeInMs = this.#state === 'OPEN' ? this.#schedule.nextAt(now) - now : 0
      const waiting = call instanceof ShardCall ? call.whole : call
      if (this.#parking.tryPark(waiting, now, probeInMs)) return WAITING
    }
    return this.#refusal(call, now)
  }

  exit(call: CircuitMarks, verdict: Verdict, error?: unknown): void {
    if (
      call.circuitGeneration !== this.#generation ||
      verdict !== 'success' ||
      this.#state !== 'CLOSED' ||
      !this.#concernsOnlyAll(call)
    ) {
      this.#exitGuarded(call, verdict, error)
      return
    }
    this.#successes++
    // Keys fail within a streak, so that without one there are none.
    if (this.#evidence.streak > 0) this.#failingKeys.clear()
    this.#evidence.success()
    if (this.#rates !== undefined) this.#measure(this.#rates, call, false)
  }

  #exitGuarded(call: CircuitMarks, verdict: Verdict, error: unknown): void {
    const { circuitGeneration, circuitProbe } = call
    call.circuitProbe = NO_PROBE
    if (circuitGeneration !== this.#generation) return
    if (this.#state === 'HALF_OPEN') {
      this.#expireProbes(call.now())
      if (circuitGeneration !== this.#generation) return
    }
    if (circuitProbe !== NO_PROBE) this.#leases.giveBack(circuitProbe)
    const concernsAll = this.#state !== 'CLOSED' || this.#shards?.exit(call, verdict, error) !== false
    if (verdict === 'success') this.#succeeded(call)
    else if (verdict === 'failure' && concernsAll) this.#failed(call, error)
    else if (verdict !== 'not-run') this.#neutral++
    // A probe that has proved nothing leaves its place to another.
    if (circuitProbe !== NO_PROBE && this.#state === 'HALF_OPEN') this.#parking?.wake(call.now())
  }

  /** A call that was let wait is given up. */
  leave(call: CircuitCall): void {
    call.parking?.leave(call)
  }

  /** Whether a call of that priority is let through whatever the counts say. */
  #mustTry(priority: Priority): boolean {
    return this.#criticalProbes && priority === 'critical' && this.#mode !== 'tripped'
  }

  /** What becomes of the call does not count: in shadow mode, since nobody knows what would have. */
  #letThrough(call: CircuitCall): undefined {
    call.circuitGeneration = UNCOUNTED
    return undefined
  }

  #admit(call: CircuitCall): boolean {
    if (this.#state !== 'CLOSED') {
      const now = call.now()
      this.#expireProbes(now)
      if (this.#state === 'OPEN') {
        const isDue = now >= this.#schedule.nextAt(now)
        if (this.#mode !== 'automatic' || !(isDue || this.#mustTry(call.priority))) return false
        this.#become('HALF_OPEN', isDue ? 'recovery-timeout' : 'critical-call')
      }
      // A listener may have changed the state again: what counts is the state that admits.
      const { probe } = this.#options
      if (this.#state === 'HALF_OPEN') return probe === undefined ? this.#lend(call) : this.#send(probe)
    }
    call.circuitGeneration = this.#issued
    return this.#state === 'CLOSED'
  }

  /** Makes the call a probe, if one more may run. */
  #lend(call: CircuitCall): boolean {
    const now = call.now()
    if (this.#leases.held > 0 && now < this.#schedule.nextAt(now)) return false
    call.circuitGeneration = this.#issued
    call.circuitShard = undefined
    call.circuitProbe = this.#leases.take(now)
    if (call.circuitProbe === NO_PROBE) return false
    this.#schedule.sent(now)
    return true
  }

  /** Lets the user's own function find out. @returns false: the call itself is not the probe */
  #send(probe: OwnProbe): false {
    const permit = new CircuitPermit(this, this.#clock)
    if (this.#lend(permit)) this.ask(probe, (verdict, outcome) => this.exit(permit, verdict, outcome))
    return false
  }

  /** Calls a probe of the user's own, and tells how it ended. */
  protected ask(probe: OwnProbe, ended: (verdict: Verdict, outcome: unknown) => void): void {
    runOwnProbe(probe, this.#options.probeTimeoutMs ?? 30_000, this.#clock, {
      returned: (value) => ended(this.judge.result(value), value),
      threw: (error) => ended(this.judge.error(error).verdict, error),
    })
  }

  #succeeded(call: CircuitMarks): void {
    this.#successes++
    this.#evidence.success()
    this.#failingKeys.clear()
    const rates = this.#rates
    if (this.#state === 'HALF_OPEN' && rates?.isSlow(call))
      return this.#reopen(call.now(), 'probe-slow', undefined, rates.slowProbe)
    if (this.#state === 'CLOSED' && rates !== undefined) return this.#measure(rates, call, false)
    if (this.#state !== 'HALF_OPEN' || ++this.#probeSuccesses < this.#successThreshold) return
    const now = call.now()
    this.#schedule.closed(now)
    this.#evidence.recovered(now, this.#schedule.earlierOpenMs)
    this.#become('CLOSED', 'probe-succeeded')
  }

  #failed(call: CircuitMarks, error: unknown): void {
    this.#failures++
    this.#lastError = error
    const isProven = this.#evidence.failure(call.now())
    if (this.#state === 'HALF_OPEN') return this.#reopen(call.now(), 'probe-failed', error)
    if (this.#failsInEnoughKeys(call.key) && isProven) this.#open(call.now(), 'failure-threshold', error)
    else if (this.#rates !== undefined) this.#measure(this.#rates, call, true, error)
  }

  /** Notes the key of a failure. @returns whether so many fail that it is the service */
  #failsInEnoughKeys(key: string | undefined): boolean {
    if (this.#shards === undefined || key === undefined) return true
    if (this.#failingKeys.size < this.#keysToOpen) this.#failingKeys.add(key)
    return this.#failingKeys.size >= this.#keysToOpen
  }

  /** Takes an outcome into the window; opens when that makes a rate too high. */
  #measure(rates: RateRules, call: CircuitMarks, failed: boolean, error?: unknown): void {
    const reason = rates.record(call, failed)
    if (reason !== undefined) this.#open(call.now(), reason, error, rates.describe(reason))
  }

  #open(now: number, reason: 'failure-threshold' | RateReason, error: unknown, cause?: string): void {
    this.#schedule.opened(now, this.#retryHint(error))
    this.#parking?.open(now)
    this.#become('OPEN', reason, { error, cause })
  }

  #reopen(now: number, reason: CircuitChangeReason, error?: unknown, cause?: string): void {
    this.#schedule.failed(now, this.#retryHint(error))
    this.#become('OPEN', reason, { error, cause })
  }

  /** For how long the service itself asked to be left alone. */
  #retryHint(error: unknown): number | undefined {
    return error === undefined ? undefined : describeFailure(error, this.#clock).retryAfterMs
  }

  /** A probe that outlives its lease has failed, at the moment that the lease ended. */
  #expireProbes(now: number): void {
    if (this.#state !== 'HALF_OPEN') return
    const lapsedAt = this.#leases.lapsedAt(now)
    if (lapsedAt === undefined) return
    this.#failures++
    this.#evidence.failure(now)
    this.#reopen(lapsedAt, 'probe-timed-out')
  }

  #retryAfterMs(now: number): number | undefined {
    if (this.#state === 'CLOSED') return 0
    if (this.#mode === 'tripped') return undefined
    if (this.#state === 'OPEN' || (this.#leases.held > 0 && this.#leases.waitMs(now) === 0)) {
      return Math.max(0, this.#schedule.nextAt(now) - now)
    }
    return this.#leases.waitMs(now)
  }

  #refusal(call: CircuitCall, now: number): CircuitOpenError {
    const retryAfterMs = this.#retryAfterMs(now)
    this.#explanation ??= explainCircuit(this.snapshot(), {
      note: this.#note,
      cause: this.#cause,
      lastError: this.#lastError,
    })
    const { service = this.name, operation, attempt } = call
    return refuseForCircuit(this.#explanation, { service, operation, attempt }, retryAfterMs, this.#lastError)
  }

  #become(
    to: CircuitState,
    reason: CircuitChangeReason,
    why: { error?: unknown; note?: string | undefined; cause?: string | undefined } = {},
  ): void {
    const from = this.#state
    const { cause, ...told } = why
    this.#state = to
    this.#generation++
    this.#explanation = undefined
    this.#cause = cause
    this.#issued = this.#mode === 'disabled' ? UNCOUNTED : this.#generation
    this.#closedGeneration = to === 'CLOSED' && !this.#measuresDemand ? this.#issued : NONE
    this.#since = this.#clock.wallTime()
    this.#leases.giveAllBack()
    this.#probeSuccesses = 0
    this.#failingKeys.clear()
    if (to === 'CLOSED') {
      this.#evidence.forget()
      this.#rates?.clear()
    }
    if (to === 'OPEN') this.#opened++
    if (to !== 'HALF_OPEN') this.#shards?.clear()
    if (this.#changes.any) {
      this.#changes.emit({ name: this.name, from, to, reason, at: this.#since, ...told })
    }
    if (!KEEPS_PARKED.has(reason)) this.#parking?.release(this.#clock.now())
  }

  /** A shard is a circuit with the same options, but for keys of its own, rates, and those who listen to the service's. */
  #makeShard(key: string): CircuitBreaker {
    const { probe } = this.#options
    return new CircuitBreaker(`${this.name}/${key}`.slice(0, 200), {
      ...this.#options,
      probe: probe && ((call) => probe({ ...call, key })),
      onStateChange: undefined,
      maxKeys: 0,
      failureRate: undefined,
      slowCallMs: undefined,
      slowCallRate: undefined,
    })
  }
}
