import {
  type Call,
  type Clock,
  type Guarded,
  InvalidOptionError,
  type Random,
  systemClock,
  systemRandom,
} from 'holdfast'
import { checkNumber } from './checks.ts'
import type { Distribution } from './distribution.ts'

/** When a fault is injected. All that is given must hold. */
export interface InjectionRule {
  /** The share of calls, from 0 to 1. Default 1. */
  readonly rate?: number | undefined
  /** From when and until when, in milliseconds after the injector was made. */
  readonly fromMs?: number | undefined
  readonly toMs?: number | undefined
  /** Into which calls. */
  readonly when?: ((call: Call) => boolean) | undefined
}

/** A fault, and when it is injected. */
export type Injection<R = unknown> = InjectionRule &
  (
    | { /** Waits before the call. */ readonly latencyMs: number | Distribution }
    | { /** Throws instead of the call. */ readonly error: () => unknown }
    | { /** Answers instead of the call. */ readonly result: () => R }
    | { /** Never settles until its signal is aborted. */ readonly hang: true }
  )

const ACTIONS = ['latencyMs', 'error', 'result', 'hang'] as const

/**
 * Puts faults into the calls of a program, in a test or in a rehearsal: around the function that a pipeline guards, so that
 * all its patterns see them. The faults are asked in order; latency goes on to the next, the others end the call.
 *
 * @example
 * const faults = new FaultInjector([{ rate: 0.1, latencyMs: 800 }, { rate: 0.02, error: () => new Error('socket hang up') }])
 * const account = await alpaca.execute(faults.into(() => client.getAccount()))
 */
export class FaultInjector<R = never> {
  /** Switches all faults on or off. */
  enabled = true
  readonly #injections: readonly Injection<R>[]
  readonly #clock: Clock
  readonly #random: Random
  readonly #beganAt: number
  #injected = 0

  /** @throws InvalidOptionError when an injection makes no sense */
  constructor(injections: readonly Injection<R>[], options: { readonly clock?: Clock; readonly random?: Random } = {}) {
    injections.forEach((injection, index) => void checkInjection(`injections.${index}`, injection))
    this.#injections = injections
    this.#clock = options.clock ?? systemClock
    this.#random = options.random ?? systemRandom
    this.#beganAt = this.#clock.now()
  }

  /** How many faults have been injected. */
  get injected(): number {
    return this.#injected
  }

  /** The function with faults in it: it answers what the function does, or one of the `result`s. */
  into<T>(fn: Guarded<T>): (call: Call) => Promise<Awaited<T> | Awaited<R>> {
    return async (call): Promise<Awaited<T> | Awaited<R>> => {
      for (const injection of this.#injections) {
        if (!this.#strikes(injection, call)) continue
        this.#injected++
        if ('error' in injection) throw injection.error()
        if ('result' in injection) return await injection.result()
        if ('hang' in injection) await this.#wait(call, undefined)
        if ('latencyMs' in injection) {
          const { latencyMs } = injection
          await this.#wait(call, typeof latencyMs === 'number' ? latencyMs : latencyMs(this.#random))
        }
      }
      return await fn(call)
    }
  }

  #strikes({ rate = 1, fromMs = 0, toMs = Number.POSITIVE_INFINITY, when }: InjectionRule, call: Call): boolean {
    if (!this.enabled) return false
    const time = this.#clock.now() - this.#beganAt
    if (time < fromMs || time >= toMs) return false
    if (when !== undefined && !when(call)) return false
    return rate === 1 || this.#random() < rate
  }

  /** Until the time is over or the call is given up. */
  #wait({ signal }: Call, durationMs: number | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason)
        return
      }
      const timer =
        durationMs === undefined
          ? undefined
          : this.#clock.setTimer(() => {
              signal.removeEventListener('abort', giveUp)
              resolve()
            }, durationMs)
      const giveUp = (): void => {
        timer?.cancel()
        reject(signal.reason)
      }
      signal.addEventListener('abort', giveUp, { once: true })
    })
  }
}

function checkInjection(path: string, injection: Injection): void {
  const { rate, fromMs, toMs } = injection
  checkNumber(`${path}.rate`, rate, { least: 0, most: 1 })
  checkNumber(`${path}.fromMs`, fromMs, { least: 0 })
  checkNumber(`${path}.toMs`, toMs, { least: fromMs ?? 0 })
  const actions = ACTIONS.filter((action) => action in injection)
  if (actions.length !== 1) {
    throw new InvalidOptionError(path, actions.join(' and '), `it must have one of ${ACTIONS.join(', ')}`)
  }
  if ('latencyMs' in injection && typeof injection.latencyMs === 'number') {
    checkNumber(`${path}.latencyMs`, injection.latencyMs, { least: 0 })
  }
}
