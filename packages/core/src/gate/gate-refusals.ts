/** What a gate says to whom it refuses. The text is made when somebody reads it. */
import { BulkheadFullError, DeadlineTooShortError, type ErrorContext, RateLimitedError } from '../errors.ts'

/** When what is lacking will not be there. */
export type NotBy = 'now' | 'in time'

export function refuseForTokens(call: ErrorContext, by: NotBy, waiting: number, waitMs: number): RateLimitedError {
  const retryAfterMs = Math.max(1, Math.ceil(waitMs))
  const message = (): string => `no token ${by} (${waiting} calls wait); come back in ${retryAfterMs} ms`
  return new RateLimitedError(message, call, retryAfterMs, undefined, { waiting, waitMs })
}

export function refuseForSlots(
  call: ErrorContext,
  by: NotBy,
  waiting: number,
  slots: { readonly count: number; readonly key: string | undefined },
  waitMs: number,
): BulkheadFullError {
  const retryAfterMs = Math.max(1, waitMs)
  const message = (): string =>
    slots.key === undefined
      ? `no slot ${by}: all ${slots.count} are taken and ${waiting} calls wait; come back in ${retryAfterMs} ms or raise maxConcurrent`
      : `no slot ${by}: all ${slots.count} of the key ${slots.key} are taken; come back in ${retryAfterMs} ms or raise maxPerKey`
  return new BulkheadFullError(message, call, retryAfterMs, undefined, { slots: slots.count, waiting })
}

/** Who would wait behind calls that do not succeed. */
export function refuseForStuckSlots(
  call: ErrorContext,
  slots: { readonly count: number; readonly waiting: number },
  stuckMs: number,
  usualMs: number,
  waitMs: number,
): BulkheadFullError {
  const retryAfterMs = Math.max(1, waitMs)
  const message = (): string =>
    `no slot: all ${slots.count} are taken, and no call has succeeded for ${whole(stuckMs)}, where nearly all take less than ${whole(usualMs)}; come back in ${retryAfterMs} ms`
  const figures = { slots: slots.count, waiting: slots.waiting, stuckMs, usualMs }
  return new BulkheadFullError(message, call, retryAfterMs, undefined, figures)
}

/** @param waitMs how long it would wait @param runMs how long it would then run @param leftMs how long it may take */
export function refuseForDeadline(
  call: ErrorContext,
  waitMs: number,
  runMs: number,
  leftMs: number,
): DeadlineTooShortError {
  const message = (): string =>
    `it would wait about ${whole(waitMs)} and run for about ${whole(runMs)}, and ${whole(leftMs)} are left; give it more time, or come back when less is going on`
  const retryAfterMs = waitMs > 0 ? Math.ceil(waitMs) : undefined
  return new DeadlineTooShortError(message, call, retryAfterMs, undefined, { waitMs, runMs, leftMs })
}

function whole(ms: number): string {
  return `${Math.max(0, Math.round(ms))} ms`
}
