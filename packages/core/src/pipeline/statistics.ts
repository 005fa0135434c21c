/** What became of the calls of one pipeline. At rest `started` is the sum of the four that follow. */
export interface CallTotals {
  readonly started: number
  /** Returned what the function returned. */
  readonly succeeded: number
  /** Failed, timeouts included, and so did their retries. */
  readonly failed: number
  /** Refused by a guard before the function was called. */
  readonly refused: number
  /** Given up by the caller. */
  readonly cancelled: number
  /** Under way. */
  readonly inFlight: number
  /** Attempts after the first. */
  readonly retries: number
  /** Second calls for the same, made because the first took long. */
  readonly hedges: number
  /** Attempts and calls that ran out of time. */
  readonly timeouts: number
}

/** How a call ended. */
export type Ending = 'succeeded' | 'failed' | 'refused' | 'cancelled'

/** Counts the calls of one pipeline. */
export class CallStatistics {
  started = 0
  succeeded = 0
  failed = 0
  refused = 0
  cancelled = 0
  retries = 0
  hedges = 0
  timeouts = 0

  snapshot(): CallTotals {
    const { started, succeeded, failed, refused, cancelled, retries, hedges, timeouts } = this
    const inFlight = started - succeeded - failed - refused - cancelled
    return { started, succeeded, failed, refused, cancelled, inFlight, retries, hedges, timeouts }
  }
}
