/**
 * The patterns as decorators. Each works with the standard decorators and with TypeScript's `experimentalDecorators`, and
 * wraps a plain function just as well. They are for methods that return promises; `retryWithBackoff({ sync: true })` is
 * for those that do not. `timeout(ms)`, the last of them, stands with the function of the same name.
 */
import { Bulkhead, type BulkheadOptions } from './bulkhead/bulkhead.ts'
import type { CircuitBreakerOptions } from './circuit-breaker/circuit-breaker-options.ts'
import { CircuitBreakerRegistry } from './circuit-breaker/registry.ts'
import { type AsyncDecorator, decoratorFor, type SyncDecorator } from './decorate.ts'
import { RateLimiter } from './rate-limiter/rate-limiter.ts'
import type { RateLimiterOptions } from './rate-limiter/rate-limiter-options.ts'
import { retryPipeline, splitRetryOptions } from './retry/retry.ts'
import type { RetryOptions } from './retry/retry-options.ts'
import { retrySync } from './retry/retry-sync.ts'

/** Where {@link circuitBreaker} keeps its breakers unless it is given another registry. */
export const circuitBreakers: CircuitBreakerRegistry = new CircuitBreakerRegistry()

/**
 * Puts a method behind the circuit breaker of a service. All methods that name the same service share one breaker,
 * whatever class they are in.
 *
 * @param options those of the breaker, and `registry`, where it is kept; default {@link circuitBreakers}
 * @throws InvalidOptionError when an option makes no sense, or differs from those the service's breaker was made with
 * @example
 * class Broker {
 *   \@circuitBreaker('alpaca', { failureThreshold: 5, recoveryTimeoutMs: 30_000 })
 *   async getAccount(): Promise<Account> { … }
 * }
 */
export function circuitBreaker(
  service: string,
  options: CircuitBreakerOptions & { readonly registry?: CircuitBreakerRegistry | undefined } = {},
): AsyncDecorator {
  const { registry = circuitBreakers, ...breakerOptions } = options
  const breaker = registry.get(service, breakerOptions)
  return decoratorFor((call, operation) => breaker.execute(call, { operation }))
}

/**
 * Tries a method again when it fails for a reason that may pass. For a method that returns no promise say `sync: true`: it
 * then blocks the thread while it waits, as {@link retrySync} does.
 *
 * @throws InvalidOptionError when an option makes no sense
 * @example
 * class Data {
 *   \@retryWithBackoff({ maxRetries: 3, baseDelayMs: 1_000, maxDelayMs: 60_000 })
 *   async getBars(symbol: string): Promise<Bar[]> { … }
 * }
 * const getBars = retryWithBackoff()((symbol: string) => polygon.bars(symbol))
 */
export function retryWithBackoff(options: RetryOptions & { readonly sync: true }): SyncDecorator
export function retryWithBackoff(options?: RetryOptions & { readonly sync?: false | undefined }): AsyncDecorator
export function retryWithBackoff(
  options: RetryOptions & { readonly sync?: boolean | undefined } = {},
): AsyncDecorator | SyncDecorator {
  const { sync = false, ...retryOptions } = options
  const { operation: given } = retryOptions
  if (sync) {
    splitRetryOptions(retryOptions)
    return decoratorFor((call, operation) => retrySync(call, { ...retryOptions, operation: given ?? operation }))
  }
  const pipeline = retryPipeline(retryOptions)
  return decoratorFor((call, operation) => pipeline.execute(call, { operation: given ?? operation }))
}

/**
 * Lets only so many calls of a method run at once, over all instances of its class.
 *
 * @param bulkhead its options, or a bulkhead to share with others
 * @throws InvalidOptionError when an option makes no sense
 * @example
 * class Data {
 *   \@bulkhead({ maxConcurrent: 10, acquireTimeoutMs: 1_000 })
 *   async getBars(symbol: string): Promise<Bar[]> { … }
 * }
 */
export function bulkhead(bulkhead: BulkheadOptions | Bulkhead = {}): AsyncDecorator {
  const slots = bulkhead instanceof Bulkhead ? bulkhead : new Bulkhead(bulkhead)
  return decoratorFor((call, operation) => slots.execute(call, { operation }))
}

/**
 * Takes a token for each call of a method, over all instances of its class, and waits for one if it must.
 *
 * @param rateLimiter its options, or a limiter to share with others
 * @throws InvalidOptionError when an option makes no sense
 * @example
 * class Data {
 *   \@rateLimited({ tokensPerSecond: 5, burstSize: 10 })
 *   async getBars(symbol: string): Promise<Bar[]> { … }
 * }
 */
export function rateLimited(rateLimiter: RateLimiterOptions | RateLimiter): AsyncDecorator {
  const limiter = rateLimiter instanceof RateLimiter ? rateLimiter : new RateLimiter(rateLimiter)
  return decoratorFor((call, operation) => limiter.execute(call, { operation }))
}
