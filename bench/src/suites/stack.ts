import {
  bulkhead,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleAll,
  type IPolicy,
  retry,
  TimeoutStrategy,
  timeout,
  wrap,
} from 'cockatiel'
import { Bulkhead, CircuitBreaker, createResilience, type Pipeline, pipeline, RateLimiter } from 'holdfast'
import Opossum from 'opossum'
import pRetry from 'p-retry'
import type { Contestant, Suite } from '../suite.ts'
import { bareCall } from './bare.ts'
import { answer, UNLIMITED } from './service.ts'

function holdfastStack(withLimiter: boolean, maxConcurrent: number): Pipeline {
  return pipeline({
    timeoutMs: 10_000,
    retry: { maxRetries: 3 },
    circuitBreaker: new CircuitBreaker('service'),
    ...(withLimiter ? { rateLimiter: new RateLimiter({ tokensPerSecond: UNLIMITED, burstSize: UNLIMITED }) } : {}),
    bulkhead: new Bulkhead({ maxConcurrent, maxQueue: 100 }),
    attemptTimeoutMs: 2_000,
  })
}

/** All that a broker gets by default; only its limit is one that admits every call. */
const brokerService: Contestant = {
  name: 'holdfast, profile BROKER',
  package: 'holdfast',
  prepare: () => {
    const rateLimiter = { tokensPerSecond: UNLIMITED, burstSize: UNLIMITED }
    const service = createResilience({ services: { broker: { profile: 'BROKER', rateLimiter } } }).service('broker')
    return { call: () => service.execute(answer) }
  },
}

function cockatielStack(maxConcurrent: number): IPolicy {
  return wrap(
    timeout(10_000, TimeoutStrategy.Aggressive),
    retry(handleAll, { maxAttempts: 3, backoff: new ExponentialBackoff() }),
    circuitBreaker(handleAll, { halfOpenAfter: 30_000, breaker: new ConsecutiveBreaker(5) }),
    bulkhead(maxConcurrent, 100),
    timeout(2_000, TimeoutStrategy.Aggressive),
  )
}

function contestants(maxConcurrent: number): readonly Contestant[] {
  return [
    {
      name: 'holdfast',
      package: 'holdfast',
      prepare: () => {
        const guarded = holdfastStack(true, maxConcurrent)
        return { call: () => guarded.execute(answer) }
      },
    },
    {
      name: 'holdfast, without limiter',
      package: 'holdfast',
      prepare: () => {
        const guarded = holdfastStack(false, maxConcurrent)
        return { call: () => guarded.execute(answer) }
      },
    },
    {
      name: 'cockatiel',
      package: 'cockatiel',
      prepare: () => {
        const policy = cockatielStack(maxConcurrent)
        return { call: () => policy.execute(answer) }
      },
    },
    {
      name: 'opossum + p-retry',
      package: 'opossum',
      prepare: () => {
        const circuit = new Opossum(answer, { timeout: 2_000, capacity: maxConcurrent })
        return { call: () => pRetry(() => circuit.fire(), { retries: 3 }), dispose: () => circuit.shutdown() }
      },
    },
    {
      name: 'opossum, no retry',
      package: 'opossum',
      prepare: () => {
        const circuit = new Opossum(answer, { timeout: 2_000, capacity: maxConcurrent })
        return { call: () => circuit.fire(), dispose: () => circuit.shutdown() }
      },
    },
  ]
}

const NOTE =
  'holdfast: total timeout, retry, circuit breaker, rate limiter, bulkhead, hard attempt timeout. cockatiel: the same without a rate limiter, which it has not. opossum: breaker, capacity and timeout, and p-retry round it; it has neither rate limiter nor total timeout.'

/** Everything round one call. */
export const stack: Suite = {
  name: 'stack',
  title: 'all patterns, succeeding call',
  note: `${NOTE} The profile BROKER is a service’s: besides these patterns it has a retry budget, percentiles of latency, circuits for keys, probes paced by demand and shares for critical calls; only its rate is raised, so that it admits every call.`,
  shape: 'fulfils',
  baseline: bareCall,
  contestants: [...contestants(10), brokerService],
}

/** Everything round many calls at a time, as on a server. */
export const stackInFlight: Suite = {
  name: 'stack-64',
  title: 'all patterns, 64 in flight',
  note: `${NOTE} Sixty-four at a time, with slots for all.`,
  shape: '64 in flight',
  baseline: bareCall,
  contestants: contestants(64),
}
