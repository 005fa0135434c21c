import type { ScenarioRequest, Subject } from '@holdfast/testing'
import {
  bulkhead,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleWhen,
  type IPolicy,
  isBrokenCircuitError,
  isBulkheadRejectedError,
  retry,
  TimeoutStrategy,
  timeout,
  wrap,
} from 'cockatiel'
import { BASE_DELAY_MS, isFault, isWorthRetry, MAX_QUEUE, MAX_RETRIES, RECOVERY_TIMEOUT_MS } from './common.ts'

const isOwnRefusal = (error: unknown): boolean => isBrokenCircuitError(error) || isBulkheadRejectedError(error)

/** Total timeout, retry, breaker, bulkhead, attempt timeout: its README's order. */
export const cockatiel: Subject = {
  name: 'cockatiel',
  make({ services }) {
    const around = new Map<string, IPolicy>()
    for (const [name, { attemptTimeoutMs, maxConcurrent }] of Object.entries(services)) {
      around.set(
        name,
        wrap(
          circuitBreaker(
            handleWhen((error) => isFault(error) && !isOwnRefusal(error)),
            {
              halfOpenAfter: RECOVERY_TIMEOUT_MS,
              breaker: new ConsecutiveBreaker(5),
            },
          ),
          bulkhead(maxConcurrent, MAX_QUEUE),
          timeout(attemptTimeoutMs, TimeoutStrategy.Aggressive),
        ),
      )
    }
    const retried = (request: ScenarioRequest): IPolicy =>
      retry(
        handleWhen((error) => !isOwnRefusal(error) && isWorthRetry(request, error)),
        {
          maxAttempts: MAX_RETRIES,
          backoff: new ExponentialBackoff({ initialDelay: BASE_DELAY_MS }),
        },
      )
    return (request, connection) => {
      const policy = around.get(request.route.upstream)
      if (policy === undefined) throw new RangeError(request.route.upstream)
      return wrap(timeout(request.route.deadlineMs, TimeoutStrategy.Aggressive), retried(request), policy).execute(
        ({ signal }) => connection.send(signal),
      )
    }
  },
}
