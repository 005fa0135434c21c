import type { Suite } from '../suite.ts'
import { breaker, breakerFailing, breakerFullWindow, breakerOpen } from './breaker.ts'
import { bulkhead, bulkheadFull, bulkheadQueue } from './bulkhead.ts'
import { guardedFetch } from './guard-fetch.ts'
import { rateLimiter, rateLimiterEmpty } from './rate-limiter.ts'
import { retry } from './retry.ts'
import { stack, stackInFlight } from './stack.ts'
import { timeout } from './timeout.ts'

/** Everything that is measured, in the order of the summary. */
export const SUITES: readonly Suite[] = [
  stack,
  stackInFlight,
  breaker,
  breakerOpen,
  breakerFailing,
  breakerFullWindow,
  retry,
  timeout,
  bulkhead,
  bulkheadQueue,
  bulkheadFull,
  rateLimiter,
  rateLimiterEmpty,
  guardedFetch,
]
