/** Circuits of the parts of a service: a symbol, an account, a host that fails alone. */
import type { Verdict } from '../failures.ts'
import type { Admission, CircuitCall, CircuitMarks } from '../pipeline/guard.ts'
import type { CircuitBreaker } from './circuit-breaker.ts'

/** A call as the circuit of its shard sees it. */
export class ShardCall implements CircuitCall {
  circuitGeneration = 0
  circuitProbe = -1
  circuitShard = undefined
  shardGeneration = 0
  readonly key = undefined
  parking = undefined
  readonly breaker: CircuitBreaker
  /** The call itself: it is what waits, comes back and is given up. */
  readonly whole: CircuitCall

  constructor(breaker: CircuitBreaker, call: CircuitCall) {
    this.breaker = breaker
    this.whole = call
  }

  get service(): string | undefined {
    return this.whole.service
  }

  get operation(): string | undefined {
    return this.whole.operation
  }

  get attempt(): number {
    return this.whole.attempt
  }

  get priority(): CircuitCall['priority'] {
    return this.whole.priority
  }

  get mayPark(): boolean {
    return this.whole.mayPark
  }

  now(): number {
    return this.whole.now()
  }

  durationMs(): number {
    return this.whole.durationMs()
  }

  /** Never called: who waits is the whole call. */
  reenter(): void {}
}

/**
 * Only shards that have failed lately have a circuit of their own: a key costs nothing while it is well. Their number is
 * bounded; when there are too many, the one that has failed longest ago is forgotten.
 */
export class Shards {
  readonly #breakers = new Map<string, CircuitBreaker>()
  readonly #most: number = 0
  readonly #make: (key: string) => CircuitBreaker
  /** Grows whenever a shard changes its state; a call knows how far it had grown when it was admitted. */
  #generation = 0
  readonly #changedAt = new WeakMap<CircuitBreaker, number>()

  constructor(most: number, make: (key: string) => CircuitBreaker) {
    this.#most = most
    this.#make = make
  }

  /** How many have a circuit. */
  get size(): number {
    return this.#breakers.size
  }

  enter(call: CircuitCall): Admission {
    call.circuitShard = undefined
    call.shardGeneration = this.#generation
    const breaker = call.key === undefined ? undefined : this.#breakers.get(call.key)
    if (breaker === undefined) return undefined
    const shardCall = new ShardCall(breaker, call)
    const admission = breaker.enter(shardCall)
    if (admission === undefined) call.circuitShard = shardCall
    return admission
  }

  /** @returns whether the outcome says something about the whole service too */
  exit(call: CircuitMarks, verdict: Verdict, error: unknown): boolean {
    const { key, circuitShard } = call
    if (key === undefined) return true
    if (circuitShard !== undefined) {
      const { breaker } = circuitShard
      const wasOpen = breaker.state !== 'CLOSED'
      breaker.exit(circuitShard, verdict, error)
      if (this.#breakers.get(key) === breaker) {
        if (breaker.isWell) this.#breakers.delete(key)
        else if (verdict === 'failure') this.#keepLast(key, breaker)
      }
      return !wasOpen || verdict === 'success'
    }
    return verdict !== 'failure' || this.#failed(key, call, error)
  }

  /** The whole service is down: what its parts did before is of no interest any more. */
  clear(): void {
    this.#generation++
    for (const breaker of this.#breakers.values()) breaker.reset()
    this.#breakers.clear()
  }

  /** States of the circuits by key. */
  *[Symbol.iterator](): Iterator<[string, CircuitBreaker]> {
    yield* this.#breakers
  }

  #failed(key: string, call: CircuitMarks, error: unknown): boolean {
    const breaker = this.#breakers.get(key) ?? this.#add(key)
    this.#keepLast(key, breaker)
    // A call that was admitted before the shard's last change of state says nothing about the present one.
    if (breaker.state !== 'CLOSED' || call.shardGeneration < (this.#changedAt.get(breaker) ?? 0)) return false
    breaker.exit(breaker.tryEnter(), 'failure', error)
    return true
  }

  /** A map keeps the order in which keys were added: the first has failed longest ago. */
  #keepLast(key: string, breaker: CircuitBreaker): void {
    this.#breakers.delete(key)
    this.#breakers.set(key, breaker)
  }

  #add(key: string): CircuitBreaker {
    if (this.#breakers.size >= this.#most) {
      const [oldest] = this.#breakers.keys()
      if (oldest !== undefined) this.#breakers.delete(oldest)
    }
    const breaker = this.#make(key)
    breaker.onStateChange(() => this.#changedAt.set(breaker, ++this.#generation))
    return breaker
  }
}
