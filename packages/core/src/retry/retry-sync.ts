import { systemClock, systemRandom } from '../clock.ts'
import { type AttemptRecord, RetriesExhaustedError } from '../errors.ts'
import { describeFailure } from '../failures.ts'
import { noFunction } from '../pipeline/call.ts'
import { notThenable } from '../pipeline/thenable.ts'
import { splitRetryOptions } from './retry.ts'
import type { RetryOptions } from './retry-options.ts'
import { RetryPolicy } from './retry-policy.ts'

/**
 * `retry` for functions that do not return a promise. It blocks the whole thread while it waits: for scripts, start-up
 * code and worker threads, never in a server's request. Browser pages forbid it.
 *
 * @param fn told the number of the attempt, from 1
 * @throws the error itself when it is not worth a retry; RetriesExhaustedError when no attempt is left; TypeError when the
 *   function returns a promise, or the runtime does not let a thread wait
 * @example
 * const config = retrySync(() => readFileSync(path, 'utf8'), { maxRetries: 3, retryOn: ['EBUSY'] })
 */
export function retrySync<T>(fn: (call: { readonly attempt: number }) => T, options: RetryOptions = {}): T {
  const {
    service,
    operation,
    onHookError,
    clock = systemClock,
    random = systemRandom,
    settings,
  } = splitRetryOptions(options)
  if (typeof fn !== 'function') throw noFunction(fn)
  const policy = new RetryPolicy(settings, random, onHookError)
  const startedAt = clock.now()
  const attempts: AttemptRecord[] = []
  for (let attempt = 1; ; attempt++) {
    const attemptStartedAt = clock.now()
    try {
      return notThenable(fn({ attempt }), 'retrySync: the function', 'retry()')
    } catch (error) {
      const now = clock.now()
      const facts = describeFailure(error, clock)
      const decision = policy.decide({
        attempt,
        error,
        facts,
        isResult: false,
        idempotent: undefined,
        startedAt,
        now,
        deadlineAt: Number.POSITIVE_INFINITY,
        previousDelayMs: attempts.at(-1)?.delayMs,
        expectedMs: 0,
        wouldRefuseAt: undefined,
        budget: undefined,
      })
      const durationMs = now - attemptStartedAt
      if ('stop' in decision) {
        if (decision.stop === 'not-retryable') throw error
        attempts.push({ attempt, error, durationMs, delayMs: 0 })
        policy.announceEnd({ service, operation, attempt, error }, decision.stop, facts)
        const { stop: reason, retryAfterMs } = decision
        throw new RetriesExhaustedError(
          { service, operation, attempt },
          { attempts, reason, cause: error, retryAfterMs },
        )
      }
      const { delayMs } = decision
      attempts.push({ attempt, error, durationMs, delayMs })
      policy.announceRetry({ service, operation, attempt, delayMs, error }, facts)
      clock.block(delayMs)
    }
  }
}
