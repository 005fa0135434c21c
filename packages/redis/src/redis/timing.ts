/**
 * The periods on which the promise "never over the limit" rests, in milliseconds. They belong together, so nobody sets one
 * alone.
 *
 * A process that reaches Redis touches its memory every `presenceMs`. When nobody has for `quietMs`, everybody may have been
 * cut off and on their local shares: Redis then begins to remember anew, `settleMs` later. A process uses its share from
 * `shareAfterMs` after its last answered question on: by then Redis's silence is longer than `quietMs` whenever it ends, so
 * that no token is both shared out here and let flow in there. A process that is cut off looks every `probeMs` whether Redis
 * answers, so that all know of its return before memory begins. One that has just come is counted by the others after
 * `establishedMs` at the latest, and has no share before that.
 */
export const TIMING = {
  presenceMs: 400,
  quietMs: 1_000,
  settleMs: 1_000,
  shareAfterMs: 2_000,
  probeMs: 250,
  /** How long a silent process is counted. */
  countedMs: 3_000,
  establishedMs: 3_000,
  /** How long memory is kept when nobody asks. */
  memoryMs: 86_400_000,
  /** After how long without any answer a connection is given up. */
  silentMs: 1_000,
} as const
