import { atLeast, checkOptions, type Rules } from '../options.ts'

/** Options of a retry budget. */
export interface RetryBudgetOptions {
  /** How many tokens can be saved up. Default 20. */
  readonly capacity?: number | undefined
  /** How many tokens a success earns. Default 1. */
  readonly tokensPerSuccess?: number | undefined
  /** What a retry costs after a timeout, in tokens; after any other failure it costs one. Default 5. */
  readonly timeoutCost?: number | undefined
}

/** The rules that {@link RetryBudgetOptions} are held to. */
export const RETRY_BUDGET_RULES: Rules<RetryBudgetOptions> = {
  capacity: atLeast(1, 'tokens'),
  tokensPerSuccess: atLeast(0, 'tokens'),
  timeoutCost: atLeast(1, 'tokens'),
}

/** A budget at one moment, as plain data. */
export interface RetryBudgetSnapshot {
  readonly tokens: number
  readonly capacity: number
  readonly totals: {
    /** Retries and hedges that were paid for. */
    readonly granted: number
    /** Those for which there was not enough. */
    readonly refused: number
  }
}

/**
 * Bounds what retries and hedges add to the load of a service: successes earn tokens, every retry and every hedge costs
 * some, and it is paid when it is decided on, so that those which still sleep are counted. While a service fails nothing is
 * earned, and after a few retries there are none: the load is what it would be without them.
 *
 * It begins half full. A retry after a timeout is dearer, because what times out keeps a worker of the service busy for
 * that long. Share one budget among all pipelines that call the same service.
 *
 * @example
 * const budget = new RetryBudget({ capacity: 20 })
 * const broker = pipeline({ retry: { maxRetries: 3 }, retryBudget: budget })
 */
export class RetryBudget {
  readonly #capacity: number = 0
  readonly #tokensPerSuccess: number = 0
  readonly #timeoutCost: number = 0
  #tokens = 0
  #granted = 0
  #refused = 0

  /** @throws InvalidOptionError when an option makes no sense */
  constructor(options: RetryBudgetOptions = {}) {
    checkOptions('retryBudget', options, RETRY_BUDGET_RULES)
    this.#capacity = options.capacity ?? 20
    this.#tokensPerSuccess = options.tokensPerSuccess ?? 1
    this.#timeoutCost = options.timeoutCost ?? 5
    this.#tokens = this.#capacity / 2
  }

  /** A call succeeded at its first attempt or a later one. */
  earn(): void {
    this.#tokens = Math.min(this.#capacity, this.#tokens + this.#tokensPerSuccess)
  }

  /** Whether a retry or a hedge could be paid for. */
  affords(afterTimeout: boolean): boolean {
    return this.#tokens >= this.#cost(afterTimeout)
  }

  /** Pays for a retry or a hedge, if there is enough. @returns whether there was */
  tryTake(afterTimeout: boolean): boolean {
    if (!this.affords(afterTimeout)) {
      this.#refused++
      return false
    }
    this.#tokens -= this.#cost(afterTimeout)
    this.#granted++
    return true
  }

  /** Everything there is to see, as plain data. */
  snapshot(): RetryBudgetSnapshot {
    const totals = { granted: this.#granted, refused: this.#refused }
    return { tokens: this.#tokens, capacity: this.#capacity, totals }
  }

  #cost(afterTimeout: boolean): number {
    return afterTimeout ? Math.min(this.#timeoutCost, this.#capacity) : 1
  }
}
