import {
  CircuitBreaker,
  type CircuitBreakerOptions,
  CircuitOpenError,
  type Clock,
  type FleetSettings,
  type Verdict,
} from 'holdfast'
import { check, durationMs, nameText, wholeNumber } from 'holdfast/options'
import type { Fleet } from '../fleet.ts'
import { FleetCircuit, type FleetCircuitState } from './fleet-circuit.ts'

/** Options of a breaker that a fleet shares: those of `CircuitBreaker`, and how the fleet agrees. */
export interface FleetCircuitBreakerOptions
  extends Omit<CircuitBreakerOptions, 'clock'>,
    Pick<FleetSettings, 'quorum'> {
  /** For how long a process's report counts, in milliseconds. Default 10,000. */
  readonly windowMs?: number | undefined
  /** How long each of the four steps of recovery takes (10, 25, 50, 100 % of the calls), in milliseconds. Default 1,000. */
  readonly rampStepMs?: number | undefined
}

/** Marks the one call with which the fleet probes. */
const FLEET_PROBE = -2

type Enter = CircuitBreaker['enter']
type Exit = CircuitBreaker['exit']

/**
 * A `CircuitBreaker` that also follows the fleet. By itself it does what every breaker does, with and without Redis. What it
 * finds it reports, and when enough processes have, the circuit of all is open; then one call of the whole fleet probes, and
 * after its success a growing share of the calls goes through.
 */
class FleetCircuitBreaker extends CircuitBreaker {
  readonly #circuit: FleetCircuit
  readonly #clock: Clock
  readonly #probe: CircuitBreakerOptions['probe']
  readonly #probeTimeoutMs: number

  constructor(fleet: Fleet, name: string, options: FleetCircuitBreakerOptions) {
    const { quorum = 2, windowMs = 10_000, rampStepMs = 1_000, ...own } = options
    check('fleetCircuitBreaker.name', name, nameText)
    check('fleetCircuitBreaker.quorum', quorum, wholeNumber(1))
    check('fleetCircuitBreaker.windowMs', windowMs, durationMs(1))
    check('fleetCircuitBreaker.rampStepMs', rampStepMs, durationMs(0))
    super(name, { ...own, clock: fleet.clock })
    this.#clock = fleet.clock
    this.#probe = own.probe
    this.#probeTimeoutMs = own.probeTimeoutMs ?? 30_000
    const recoveryTimeoutMs = own.recoveryTimeoutMs ?? 30_000
    this.#circuit = new FleetCircuit(
      fleet,
      name,
      { quorum, windowMs, recoveryTimeoutMs, rampStepMs },
      { changed: (state, note) => this.#follow(state, note), failing: () => this.#isFailing },
    )
    this.onStateChange(({ to, reason, error }) => {
      if (reason.startsWith('fleet-') || this.mode !== 'automatic') return
      if (to === 'OPEN') this.#circuit.report(error instanceof Error ? error.message : String(error ?? reason))
      if (to === 'CLOSED') this.#circuit.withdraw()
    })
  }

  /** While the fleet recovers this breaker is closed, and still not every call goes. */
  override get closedGeneration(): number {
    return this.#circuit.state === 'CLOSED' ? super.closedGeneration : -1
  }

  override enter(call: Parameters<Enter>[0]): ReturnType<Enter> {
    const fleet = this.#circuit.state
    if (fleet === 'CLOSED') return super.enter(call)
    if (fleet === 'OPEN' && this.mode === 'fleet' && this.#circuit.takesProbe(call.now())) {
      if (this.#probe === undefined) {
        call.circuitGeneration = FLEET_PROBE
        return undefined
      }
      this.#send(this.#probe)
    }
    if (fleet === 'RECOVERING' && this.mode === 'automatic' && !this.#circuit.admits(call.now()))
      return this.#notYet(call)
    return super.enter(call)
  }

  override exit(...[call, verdict, error]: Parameters<Exit>): void {
    if (call.circuitGeneration !== FLEET_PROBE) return super.exit(call, verdict, error)
    call.circuitGeneration = 0
    this.#probeEnded(verdict, error)
  }

  /** Asks by the user's own probe for the whole fleet, so that no call of anybody's is the probe. */
  #send(probe: NonNullable<CircuitBreakerOptions['probe']>): void {
    let isOver = false
    const end = (verdict: Verdict, outcome: unknown): void => {
      if (isOver) return
      isOver = true
      timer.cancel()
      this.#probeEnded(verdict, outcome)
    }
    // One that takes no notice of its signal would keep the fleet's one probe for ever.
    const late = (): void => end('failure', new Error('the probe has not answered in time'))
    const timer = this.#clock.setTimer(late, this.#probeTimeoutMs, false)
    this.ask(probe, end)
  }

  #probeEnded(verdict: Verdict | 'not-run', outcome: unknown): void {
    this.#circuit.probeEnded(verdict, outcome instanceof Error ? outcome.message : String(outcome ?? ''))
  }

  get #isFailing(): boolean {
    return this.mode === 'automatic' && this.state !== 'CLOSED'
  }

  #follow(state: FleetCircuitState, note: string): void {
    if (state === 'OPEN') return this.follow('OPEN', 'fleet-opened', note)
    if (this.mode !== 'fleet') return
    this.follow('CLOSED', state === 'RECOVERING' ? 'fleet-recovering' : 'fleet-closed', note)
  }

  #notYet(call: Parameters<Enter>[0]): CircuitOpenError {
    const { service = this.name, operation, attempt } = call
    const message =
      'the fleet lets a growing share of the calls through while the service recovers; come back in a second'
    return new CircuitOpenError(message, { service, operation, attempt }, 1_000)
  }
}

/**
 * A `CircuitBreaker` that opens for all processes of a fleet when enough of them find the service failing.
 *
 * @param name of the circuit, which is that of the service: the same in every process
 * @throws InvalidOptionError when an option makes no sense
 * @example
 * const breaker = fleetCircuitBreaker(fleet, 'alpaca', { failureThreshold: 3, recoveryTimeoutMs: 15_000, quorum: 2 })
 * await breaker.execute(({ signal }) => fetch(url, { signal }))
 */
export function fleetCircuitBreaker(
  fleet: Fleet,
  name: string,
  options: FleetCircuitBreakerOptions = {},
): CircuitBreaker {
  return new FleetCircuitBreaker(fleet, name, options)
}
