import type { Priority } from '../gate/priority.ts'
import type { ClientKey } from './key-hash.ts'

/** Who asks, and for how much. */
export interface TakeOptions {
  /** Whose bucket. Callers that do not say are one client together. */
  readonly client?: ClientKey | undefined
  /** How many tokens. Default 1; above 0 and at most the burst. */
  readonly cost?: number | undefined
  /** How urgent it is. Only `critical` calls may have what `criticalShare` keeps. Default `normal`. */
  readonly priority?: Priority | undefined
}

/** The same, for somebody who waits. */
export interface AcquireOptions extends TakeOptions {
  /** How long to wait at most, in milliseconds, instead of the limiter's `maxWaitMs`. */
  readonly maxWaitMs?: number | undefined
  /** Ends the wait: rejects with the signal's reason and costs nothing. */
  readonly signal?: AbortSignal | undefined
}
