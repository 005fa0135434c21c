/** What a fleet has found out about a service, seen from one process: an opinion in memory, brought up to date behind the calls. */
import type { Verdict } from 'holdfast'
import type { Fleet, Member } from '../fleet.ts'
import type { Answer, Shard } from '../redis/shard.ts'
import { KEEP_CIRCUIT } from '../scripts/keep-circuit.ts'

/** How often the state is read, should a message be lost, in milliseconds. */
const POLL_MS = 1_000

/** Which share of the calls is let through in each step of recovery. */
const RAMP = [0.1, 0.25, 0.5, 1] as const

/** How long the right to probe lasts: a prober that dies blocks the others no longer, in milliseconds. */
const PROBE_LEASE_MS = 2_000

/** A right to probe for which no call comes is given back after this long, in milliseconds. */
const UNUSED_PROBE_MS = 500

/** How often the right to probe is asked for while calls come, in milliseconds. */
const CLAIM_EVERY_MS = 100

/** The longest note on a failure that is passed on. */
const LONGEST_NOTE = 200

/** The state of the circuit of a fleet. */
export type FleetCircuitState = 'CLOSED' | 'OPEN' | 'RECOVERING'

const STATES: readonly FleetCircuitState[] = ['CLOSED', 'OPEN', 'RECOVERING']

/** Figures of such a circuit; all times in milliseconds. */
export interface FleetCircuitFigures {
  readonly quorum: number
  readonly windowMs: number
  readonly recoveryTimeoutMs: number
  /** Length of each of the four steps of recovery. */
  readonly rampStepMs: number
}

/** Follows the circuit that the fleet shares, and tells the fleet what this process sees. */
export class FleetCircuit implements Member {
  readonly #fleet: Fleet
  readonly #shard: Shard
  readonly #keys: readonly string[]
  readonly #channel: string
  readonly #figures: FleetCircuitFigures
  readonly #changed: (state: FleetCircuitState, note: string) => void
  readonly #failing: () => boolean
  #state: FleetCircuitState = 'CLOSED'
  #generation = 0
  #generationLearntAt = Number.NEGATIVE_INFINITY
  #changedAt = Number.NEGATIVE_INFINITY
  #polledAt = Number.NEGATIVE_INFINITY
  #claimedAt = Number.NEGATIVE_INFINITY
  /** Since when this process has the right to probe; undefined without it. */
  #probeSince: number | undefined
  #isProbing = false
  /** What the ramp has saved up: a call goes when it is 1. */
  #credit = 0

  constructor(
    fleet: Fleet,
    name: string,
    figures: FleetCircuitFigures,
    told: {
      /** The fleet's state has changed. */
      readonly changed: (state: FleetCircuitState, note: string) => void
      /** Whether this process by itself finds the service failing. */
      readonly failing: () => boolean
    },
  ) {
    const { shard } = fleet.shard(`${name}:circuit`)
    this.#fleet = fleet
    this.#shard = shard
    this.#figures = figures
    this.#changed = told.changed
    this.#failing = told.failing
    this.#keys = ['state', 'reports', 'probe'].map((part) => fleet.key(shard, 'circuit', name, part))
    this.#channel = fleet.key(shard, 'circuit', name, 'changes')
    fleet.join(this)
    // Without messages the state is still read every second.
    fleet.port.subscribe(this.#channel, (message) => this.#heard(message)).catch(() => undefined)
    void this.#act('look')
  }

  get state(): FleetCircuitState {
    return this.#state
  }

  /** Whether this process may probe with the call that asks: one call of the whole fleet. */
  takesProbe(now: number): boolean {
    if (this.#probeSince !== undefined && !this.#isProbing && now - this.#probeSince < UNUSED_PROBE_MS) {
      this.#isProbing = true
      return true
    }
    const due = now - this.#changedAt >= this.#figures.recoveryTimeoutMs
    if (due && this.#probeSince === undefined && now - this.#claimedAt >= CLAIM_EVERY_MS) {
      this.#claimedAt = now
      void this.#act('claim')
    }
    return false
  }

  /** How the probe ended. */
  probeEnded(verdict: Verdict | 'not-run', note: string): void {
    this.#isProbing = false
    this.#probeSince = undefined
    if (verdict === 'success') void this.#act('succeeded')
    else if (verdict === 'failure') void this.#act('failed', note)
    else void this.#act('release')
  }

  /** While the service recovers: whether the next call goes. A tenth of them at first, then more. */
  admits(now: number): boolean {
    const step = Math.floor((now - this.#changedAt) / this.#figures.rampStepMs)
    this.#credit = Math.min(1, this.#credit + (RAMP[Math.max(0, step)] ?? 1))
    if (this.#credit < 1) return false
    this.#credit = 0
    return true
  }

  /** This process finds the service failing. */
  report(note: string): void {
    void this.#act('report', note)
  }

  /** It does so no longer. */
  withdraw(): void {
    void this.#act('well')
  }

  tend(now: number): void {
    if (this.#probeSince !== undefined && !this.#isProbing && now - this.#probeSince >= UNUSED_PROBE_MS) {
      this.#probeSince = undefined
      void this.#act('release')
    }
    if (this.#isProbing && now - this.#claimedAt >= PROBE_LEASE_MS / 4) {
      this.#claimedAt = now
      void this.#act('claim')
    }
    if (now - this.#polledAt >= POLL_MS) {
      this.#polledAt = now
      void this.#act(this.#state !== 'OPEN' && this.#failing() ? 'report' : 'look')
    }
    this.#goOnAlone(now)
  }

  leave(): void {
    if (this.#probeSince !== undefined) void this.#act('release')
  }

  /** Without Redis nobody is given the probe: then each process recovers by itself, at the fleet's pace. */
  #goOnAlone(now: number): void {
    const overdueMs = now - this.#changedAt - this.#figures.recoveryTimeoutMs
    if (this.#shard.available || this.#state !== 'OPEN' || overdueMs < POLL_MS) return
    this.#become('RECOVERING', now, 'Redis is away, so nobody can be chosen to probe')
  }

  async #act(act: string, note = ''): Promise<void> {
    const { quorum, windowMs, recoveryTimeoutMs, rampStepMs } = this.#figures
    const figures = [quorum, windowMs * 1_000, recoveryTimeoutMs * 1_000, rampStepMs * 1_000, PROBE_LEASE_MS]
    const processes = this.#fleet.processes ?? 1
    const words = [act, processes, ...figures, this.#generation, this.#channel, note.slice(0, LONGEST_NOTE)]
    // Without an answer this process goes on by what it knows; its shard's breaker has counted it.
    const answer = await this.#shard.ask(KEEP_CIRCUIT, this.#keys, words.map(String)).catch(() => undefined)
    if (answer !== undefined) this.#read(answer)
  }

  #read({ values, sentAt }: Answer): void {
    const [generation = 0, state = 0, sinceUs = 0, holds = 0] = values.slice(0, 4).map(Number)
    const now = this.#fleet.clock.now()
    // Something newer was heard after this was asked.
    if (generation < this.#generation && this.#generationLearntAt > sentAt) return
    this.#learn(generation, STATES[state] ?? 'CLOSED', now - sinceUs / 1_000, String(values[4] ?? ''))
    if (holds === 1) this.#probeSince ??= now
    else if (!this.#isProbing) this.#probeSince = undefined
  }

  #heard(message: string): void {
    const [generation = '', state = '', ...note] = message.split(' ')
    if (Number(generation) <= this.#generation) return
    this.#learn(Number(generation), STATES[Number(state)] ?? 'CLOSED', this.#fleet.clock.now(), note.join(' '))
  }

  #learn(generation: number, state: FleetCircuitState, changedAt: number, note: string): void {
    if (generation === this.#generation) return
    this.#generation = generation
    this.#generationLearntAt = this.#fleet.clock.now()
    this.#become(state, changedAt, note)
  }

  #become(state: FleetCircuitState, changedAt: number, note: string): void {
    this.#state = state
    this.#changedAt = changedAt
    this.#credit = 0
    this.#changed(state, note)
  }
}
