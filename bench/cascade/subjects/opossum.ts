import type { Connection, Handler, ScenarioRequest, ServiceFacts, Subject } from '@holdfast/testing'
import Opossum from 'opossum'
import pRetry from 'p-retry'
import { BASE_DELAY_MS, isFault, isWorthRetry, MAX_RETRIES, RECOVERY_TIMEOUT_MS } from './common.ts'

/** opossum's own refusals are no faults of the service either. */
const OWN_CODES: ReadonlySet<unknown> = new Set(['EOPENBREAKER', 'ESEMLOCKED'])

function isOwnRefusal(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && OWN_CODES.has(error.code)
}

function breakers(services: Readonly<Record<string, ServiceFacts>>): Handler {
  const all = new Map<string, Opossum<[Connection], unknown>>()
  for (const [name, { attemptTimeoutMs, maxConcurrent }] of Object.entries(services)) {
    const options = {
      timeout: attemptTimeoutMs,
      capacity: maxConcurrent,
      resetTimeout: RECOVERY_TIMEOUT_MS,
      volumeThreshold: 5,
      // Nobody reads them; sorting the latencies anew at each failure was nine tenths of what it took.
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
      errorFilter: (error: unknown) => isOwnRefusal(error) || !isFault(error),
    }
    all.set(name, new Opossum((connection: Connection) => connection.send(), options))
  }
  return (request, connection) => {
    const breaker = all.get(request.route.upstream)
    if (breaker === undefined) throw new RangeError(request.route.upstream)
    return breaker.fire(connection)
  }
}

/** Breaker, capacity and timeout. */
export const opossum: Subject = {
  name: 'opossum',
  make: ({ services }) => breakers(services),
}

/** The same with retries round it. */
export const opossumWithRetry: Subject = {
  name: 'opossum + p-retry',
  make({ services }) {
    const handler = breakers(services)
    return (request, connection) =>
      pRetry(() => handler(request, connection), {
        retries: MAX_RETRIES,
        minTimeout: BASE_DELAY_MS,
        maxRetryTime: request.route.deadlineMs,
        randomize: true,
        shouldRetry: ({ error }) => isWorthRetryHere(request, error),
      })
  },
}

function isWorthRetryHere(request: ScenarioRequest, error: unknown): boolean {
  return !isOwnRefusal(error) && isWorthRetry(request, error)
}
