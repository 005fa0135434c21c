/** One call, as the function that is guarded sees it, and the options that its caller gives. */
import { PRIORITIES, type Priority } from '../gate/priority.ts'
import { check, durationMs, oneOf, signalRule } from '../options.ts'
import type { ClientKey } from '../rate-limiter/key-hash.ts'

/** What the guarded function is given: the attempt that it is. */
export interface Call {
  /** Number of this attempt, from 1. */
  readonly attempt: number
  /** Name of the service, if it has one. */
  readonly service: string | undefined
  /** Name of the operation, if the caller gave one. */
  readonly operation: string | undefined
  /**
   * Aborted when this attempt times out, the whole call does, or the caller gives up. Made only when it is read, so that
   * a function that does not look pays nothing. Hand it to `fetch` or to the SDK.
   */
  readonly signal: AbortSignal
  /**
   * Tells how many milliseconds are left for the whole call; `Infinity` without a total timeout; with one, 0 once the attempt
   * is over. It may be taken out of the call: `({ signal, remainingMs }) => …`.
   */
  readonly remainingMs: () => number
}

/** A function that is guarded. It may return a value, a promise, or anything that can be awaited. */
export type Guarded<T> = (call: Call) => T | PromiseLike<T>

/** What a caller can say about one call. */
export interface CallOptions {
  /** Name of what is done, for errors, logs and events: `getAccount`. */
  readonly operation?: string | undefined
  /**
   * Whether the call may be repeated although it may have taken effect. Default: `retry.assumeIdempotent`. What is not
   * idempotent is only repeated when the failure proves that it was never sent, or that the service refused it.
   */
  readonly idempotent?: boolean | undefined
  /** Gives up the call: it leaves the queue, wakes from its backoff, and rejects with the signal's reason at once. */
  readonly signal?: AbortSignal | undefined
  /** Time limit of the whole call in milliseconds, instead of the pipeline's `timeoutMs`. */
  readonly timeoutMs?: number | undefined
  /**
   * For how much longer the caller's own caller waits, in milliseconds: the call does not outlive it. Of this and the limit of
   * the call the earlier one holds.
   */
  readonly deadlineMs?: number | undefined
  /** Whose tokens are taken, where the rate limiter is `perClient`. */
  readonly client?: ClientKey | undefined
  /** Which part of the service it is about (a symbol, an account, a host), where the circuit breaker looks at keys. */
  readonly key?: string | undefined
  /** How many tokens each attempt takes. Default 1. */
  readonly cost?: number | undefined
  /** How urgent it is: who waits is served by priority, and only `critical` calls have the `criticalShare`. Default `normal`. */
  readonly priority?: Priority | undefined
}

/** What is said to whoever hands in something else, most often a call that has been made already. */
export function noFunction(given: unknown): TypeError {
  const what = given instanceof Promise ? 'a promise' : given === null ? 'null' : typeof given
  return new TypeError(
    `${what} is not a function: hand in what makes the call, such as () => client.getAccount(), so that it can be made when it is let through`,
  )
}

const TIMEOUT_RULE = durationMs(1)
const PRIORITY_RULE = oneOf(PRIORITIES)

/** What is wrong with the options of a call, if anything is. */
export function complaintAbout(
  { timeoutMs, deadlineMs, cost, priority, signal }: CallOptions,
  limiter: { checkCost(cost: number, priority?: Priority): void } | undefined,
): unknown {
  try {
    if (timeoutMs !== undefined) check('timeoutMs', timeoutMs, TIMEOUT_RULE)
    if (deadlineMs !== undefined) check('deadlineMs', deadlineMs, TIMEOUT_RULE)
    if (priority !== undefined) check('priority', priority, PRIORITY_RULE)
    if (signal !== undefined) check('signal', signal, signalRule)
    if (cost !== undefined) limiter?.checkCost(cost, priority)
    return undefined
  } catch (error) {
    return error
  }
}

/** The limit of a whole call in milliseconds, of a pipeline with this one; Infinity without any. */
export function limitOf(options: CallOptions | undefined, timeoutMs: number): number {
  if (options === undefined) return timeoutMs
  return Math.min(options.timeoutMs ?? timeoutMs, options.deadlineMs ?? Number.POSITIVE_INFINITY)
}
