/**
 * The periods on which the promise "never over the limit" rests, in milliseconds. They all follow from how long a question
 * may take, and belong together.
 *
 * A process that reaches Redis says so every `presenceMs`. Redis takes one that has not for `silentMs` to be on its own and
 * keeps its share for it, for `keptMs` at most. When nobody has said so for `quietMs`, Redis begins to remember anew,
 * `settleMs` later. A process uses its share from `shareAfterMs` after its last question on that Redis may have heard: by
 * then its share is kept for it, or Redis has been silent for longer than `quietMs`, whenever that ends; so that no token is
 * both shared out here and let flow in there. A process that is cut off looks every `probeMs` whether Redis answers.
 */
export interface Timing {
  readonly presenceMs: number
  readonly quietMs: number
  readonly settleMs: number
  readonly shareAfterMs: number
  readonly probeMs: number
  readonly silentMs: number
  readonly keptMs: number
  /** After how long without any answer a connection is given up. */
  readonly deadMs: number
}

/** How much sooner a process takes a period to be over than Redis does: what two clocks may differ in their pace, and much more. */
export const PACE = 0.98

/** How long memory is kept when nobody asks. */
export const MEMORY_MS = 86_400_000

/** The periods for questions that may take that long; with the default of 50 ms a share begins after 1.8 s. */
export function timingFor(timeLimitMs: number): Timing {
  return {
    presenceMs: 8 * timeLimitMs,
    quietMs: 20 * timeLimitMs,
    settleMs: 20 * timeLimitMs,
    shareAfterMs: 36 * timeLimitMs,
    probeMs: 5 * timeLimitMs,
    silentMs: 16 * timeLimitMs,
    keptMs: 6_000 * timeLimitMs,
    deadMs: 20 * timeLimitMs,
  }
}
