/**
 * The periods on which the promise "never over the limit" rests, in milliseconds. They all follow from how long a question
 * may take, and belong together.
 *
 * A process that reaches Redis touches its memory every `presenceMs`. When nobody has for `quietMs`, everybody may have been
 * cut off and on their local shares: Redis then begins to remember anew, `settleMs` later. A process uses its share from
 * `shareAfterMs` after its last answered question on: by then Redis's silence is longer than `quietMs` whenever it ends, so
 * that no token is both shared out here and let flow in there. A process that is cut off looks every `probeMs` whether Redis
 * answers, so that all know of its return before memory begins. One that has just come is counted by the others after
 * `establishedMs` at the latest, and has no share before that.
 */
export interface Timing {
  readonly presenceMs: number
  readonly quietMs: number
  readonly settleMs: number
  readonly shareAfterMs: number
  readonly probeMs: number
  /** How long a silent process is counted. */
  readonly countedMs: number
  readonly establishedMs: number
  /** After how long without any answer a connection is given up. */
  readonly silentMs: number
}

/** How long memory is kept when nobody asks. */
export const MEMORY_MS = 86_400_000

/** The periods for questions that may take that long; with the default of 50 ms a share begins after 2 s. */
export function timingFor(timeLimitMs: number): Timing {
  return {
    presenceMs: 8 * timeLimitMs,
    quietMs: 20 * timeLimitMs,
    settleMs: 20 * timeLimitMs,
    shareAfterMs: 40 * timeLimitMs,
    probeMs: 5 * timeLimitMs,
    countedMs: 60 * timeLimitMs,
    establishedMs: 60 * timeLimitMs,
    silentMs: 20 * timeLimitMs,
  }
}
