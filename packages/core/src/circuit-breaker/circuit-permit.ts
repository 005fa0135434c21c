import type { Clock } from '../clock.ts'
import type { CircuitCall } from '../pipeline/guard.ts'
import type { CircuitBreaker } from './circuit-breaker.ts'
import type { ShardCall } from './shards.ts'

/**
 * Leave to make one call, from `breaker.tryEnter()`. Tell it once how the call ended; anything after that is ignored, and
 * so is an outcome that comes after the circuit has changed its state.
 */
export class CircuitPermit implements CircuitCall {
  readonly service: string
  readonly operation = undefined
  readonly attempt = 1
  readonly mayPark = false
  readonly priority = 'normal'
  readonly key: string | undefined
  circuitGeneration = 0
  circuitProbe = -1
  circuitShard: ShardCall | undefined = undefined
  shardGeneration = 0
  parking = undefined
  readonly #breaker: CircuitBreaker
  readonly #clock: Clock
  readonly #begunAt: number = 0
  #settled = false

  constructor(breaker: CircuitBreaker, clock: Clock, key?: string) {
    this.#breaker = breaker
    this.key = key
    this.#clock = clock
    this.service = breaker.name
    this.#begunAt = breaker.isTimed ? clock.now() : 0
  }

  now(): number {
    return this.#clock.now()
  }

  /** Never called: nothing lets a permit wait. */
  reenter(): void {}

  durationMs(): number {
    return this.now() - this.#begunAt
  }

  /** The service did its work. */
  succeed(): void {
    this.#settle('success')
  }

  /** The call failed; the breaker judges by the error whether the service is to blame. */
  fail(error?: unknown): void {
    this.#settle(error === undefined ? 'failure' : this.#breaker.judge.error(error).verdict, error)
  }

  /** The call was given up, or says nothing about the service. */
  ignore(): void {
    this.#settle('neutral')
  }

  #settle(verdict: 'success' | 'failure' | 'neutral' | 'not-run', error?: unknown): void {
    if (this.#settled) return
    this.#settled = true
    this.#breaker.exit(this, verdict, error)
  }
}
