/**
 * The patterns as decorators, with the standard decorators and with TypeScript's `experimentalDecorators`; the same
 * functions wrap a plain function. They are for methods that return promises; `retryWithBackoff({ sync: true })` is for
 * those that do not.
 */
import { Bulkhead, type BulkheadOptions } from './bulkhead/bulkhead.ts'
import type { CircuitBreakerOptions } from './circuit-breaker/circuit-breaker-options.ts'
import { CircuitBreakerRegistry } from './circuit-breaker/registry.ts'
import type { Clock } from './clock.ts'
import { check, flag } from './options.ts'
import { type Pipeline, pipeline } from './pipeline/pipeline.ts'
import { RateLimiter } from './rate-limiter/rate-limiter.ts'
import type { RateLimiterOptions } from './rate-limiter/rate-limiter-options.ts'
import { retryPipeline } from './retry/retry.ts'
import type { RetryOptions } from './retry/retry-options.ts'
import { retrySync } from './retry/retry-sync.ts'

/** Wraps a function, or decorates a method, that returns a promise. */
export interface AsyncDecorator {
  /** As a standard decorator. */
  <This, Args extends unknown[], T>(
    method: (this: This, ...args: Args) => Promise<T>,
    context: ClassMethodDecoratorContext<This, (this: This, ...args: Args) => Promise<T>>,
  ): (this: This, ...args: Args) => Promise<T>
  /** As a decorator under `experimentalDecorators`. */
  <Args extends unknown[], T>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<(...args: Args) => Promise<T>>,
  ): TypedPropertyDescriptor<(...args: Args) => Promise<T>>
  /** Round a plain function. */
  <This, Args extends unknown[], T>(fn: (this: This, ...args: Args) => Promise<T>): (this: This, ...args: Args) => Promise<T>
}

/** Wraps a function, or decorates a method, that returns a value and no promise. */
export interface SyncDecorator {
  /** As a standard decorator. */
  <This, Args extends unknown[], T>(
    method: (this: This, ...args: Args) => T,
    context: ClassMethodDecoratorContext<This, (this: This, ...args: Args) => T>,
  ): (this: This, ...args: Args) => T
  /** As a decorator under `experimentalDecorators`. */
  <Args extends unknown[], T>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<(...args: Args) => T>,
  ): TypedPropertyDescriptor<(...args: Args) => T>
  /** Round a plain function. */
  <This, Args extends unknown[], T>(fn: (this: This, ...args: Args) => T): (this: This, ...args: Args) => T
}
