import type { Clock } from '../clock.ts'
import type { CircuitBreakerOptions } from './circuit-breaker-options.ts'

/** The user's function that finds out whether a service is back. */
export type OwnProbe = NonNullable<CircuitBreakerOptions['probe']>

/**
 * Calls the user's function that finds out whether a service is back, aborts it when its time is up, and tells once what
 * became of it.
 *
 * @param onEnd told what it returned, or what it threw
 */
export function runOwnProbe(
  probe: OwnProbe,
  timeoutMs: number,
  clock: Clock,
  onEnd: { readonly returned: (value: unknown) => void; readonly threw: (error: unknown) => void },
): void {
  const controller = new AbortController()
  const timer = clock.setTimer(() => controller.abort(), timeoutMs, false)
  Promise.resolve({ signal: controller.signal })
    .then(probe)
    .finally(() => timer.cancel())
    .then(onEnd.returned, onEnd.threw)
}
