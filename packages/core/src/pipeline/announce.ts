/** Tells whoever listens what happens to a call. Nobody listens: no event is made. */
import type { RefusalError } from '../errors.ts'
import type { FailureFacts } from '../failures.ts'
import type { Call } from './call.ts'
import type { Plan } from './plan.ts'

type Announced = Pick<Call, 'service' | 'operation' | 'attempt'>

export function announceRetry(
  { retry, events, clock }: Plan<unknown>,
  { service, operation, attempt }: Announced,
  { error, facts, delayMs }: { readonly error: unknown; readonly facts: FailureFacts; readonly delayMs: number },
): void {
  retry?.announceRetry({ service, operation, attempt, delayMs, error }, facts)
  if (!events?.any) return
  events.emit({ type: 'retry', at: clock.wallTime(), service, operation, attempt, delayMs, errorCode: facts.code })
}

export function announceRefusal(
  { events, clock }: Plan<unknown>,
  { service, operation, attempt }: Announced,
  refusal: RefusalError,
): void {
  if (!events?.any) return
  // The text is made when it is read: not before somebody listens.
  const { code, message, retryAfterMs } = refusal
  events.emit({ type: 'refused', at: clock.wallTime(), service, operation, attempt, code, message, retryAfterMs })
}

export function announceTimeout(
  { events, clock }: Plan<unknown>,
  { service, operation, attempt }: Announced,
  scope: 'attempt' | 'total',
  timeoutMs: number,
): void {
  if (!events?.any) return
  events.emit({ type: 'timeout', at: clock.wallTime(), service, operation, attempt, scope, timeoutMs })
}
