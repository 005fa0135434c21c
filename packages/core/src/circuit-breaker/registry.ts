import { InvalidOptionError } from '../errors.ts'
import { type HookErrorReporter, Listeners, reportToConsole, type Unsubscribe } from '../events.ts'
import { CircuitBreaker } from './circuit-breaker.ts'
import type {
  CircuitBreakerOptions,
  CircuitBreakerSnapshot,
  CircuitChange,
  CircuitState,
} from './circuit-breaker-options.ts'

/**
 * Circuit breakers by the name of their service: whoever asks for `alpaca` gets the same one, so that failures are counted
 * per service and not per caller.
 *
 * @example
 * const registry = new CircuitBreakerRegistry({ failureThreshold: 5 })
 * registry.onStateChange(({ name, to }) => log(`${name} is ${to}`))
 * const breaker = registry.get('alpaca', { failureThreshold: 3 })
 */
export class CircuitBreakerRegistry implements Iterable<CircuitBreaker> {
  readonly #defaults: CircuitBreakerOptions
  readonly #breakers = new Map<string, { readonly breaker: CircuitBreaker; readonly options: CircuitBreakerOptions }>()
  readonly #changes: Listeners<CircuitChange>

  /** @param defaults what a breaker has unless `get` is told otherwise */
  constructor(defaults: CircuitBreakerOptions = {}) {
    const report: HookErrorReporter = defaults.onHookError ?? reportToConsole
    this.#defaults = defaults
    this.#changes = new Listeners('onStateChange', report)
  }

  /** How many there are. */
  get size(): number {
    return this.#breakers.size
  }

  /**
   * The breaker of a service, made on first use.
   *
   * @throws InvalidOptionError for options that make no sense, or that differ from those it was made with
   */
  get(name: string, options?: CircuitBreakerOptions): CircuitBreaker {
    const known = this.#breakers.get(name)
    if (known !== undefined) {
      if (options !== undefined) refuseOtherOptions(name, known.options, options)
      return known.breaker
    }
    const breaker = new CircuitBreaker(name, { ...this.#defaults, ...options })
    breaker.onStateChange((change) => {
      if (this.#changes.any) this.#changes.emit(change)
    })
    this.#breakers.set(name, { breaker, options: options ?? {} })
    return breaker
  }

  /** Adds a listener to the changes of all breakers, those to come included. @returns what removes it */
  onStateChange(listener: (change: CircuitChange) => void): Unsubscribe {
    return this.#changes.subscribe(listener)
  }

  /** Closes them all and lets them decide by themselves again. */
  resetAll(): void {
    for (const breaker of this) breaker.reset()
  }

  /** State by name. */
  states(): Record<string, CircuitState> {
    return Object.fromEntries([...this].map((breaker) => [breaker.name, breaker.state]))
  }

  /** Everything there is to see, by name. */
  snapshot(): Record<string, CircuitBreakerSnapshot> {
    return Object.fromEntries([...this].map((breaker) => [breaker.name, breaker.snapshot()]))
  }

  *[Symbol.iterator](): Iterator<CircuitBreaker> {
    for (const { breaker } of this.#breakers.values()) yield breaker
  }
}

function refuseOtherOptions(name: string, known: CircuitBreakerOptions, asked: CircuitBreakerOptions): void {
  const before = new Map<string, unknown>(Object.entries(known))
  for (const [field, value] of Object.entries(asked)) {
    if (value === undefined || before.get(field) === value) continue
    const rule = `circuit breaker "${name}" was made with other options; give them once, or use another name`
    throw new InvalidOptionError(`${name}.${field}`, value, rule)
  }
}
