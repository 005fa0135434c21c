/**
 * The only place where the library learns the time, waits, or blocks. Everything else is handed a {@link Clock}, so that
 * a test can hand it a virtual one (`VirtualClock` of `@holdfast/testing`) and be exact.
 */

/** A callback that is due once, later. */
export interface Timer {
  /** Forgets the callback. Harmless after it has run. */
  cancel(): void
}

/** Time as the library sees it. */
export interface Clock {
  /** Milliseconds on a monotonic scale with an arbitrary zero: only differences mean anything. */
  now(): number
  /** Milliseconds since 1970 on the wall clock. Used to show times and to read HTTP dates, never to measure. */
  wallTime(): number
  /**
   * Runs `callback` once, `delayMs` from now. May run early when the delay is beyond what the runtime can wait
   * (2^31 − 1 ms): who depends on the time asks {@link Clock.now} again.
   *
   * @param keepsAlive whether the process must stay up for it; default true
   */
  setTimer(callback: () => void, delayMs: number, keepsAlive?: boolean): Timer
  /** Blocks the whole thread. Only for `retrySync`. @throws TypeError where the runtime forbids blocking (browser pages) */
  block(durationMs: number): void
}

/** The longest delay that `setTimeout` takes, in milliseconds: 2^31 − 1, about 24.8 days. */
export const LONGEST_TIMER_MS = 2_147_483_647

/** Looked up once: as a global it is a getter, which costs half as much as the reading itself. */
const { performance } = globalThis

/** The clock of the running process. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  setTimer(callback, delayMs, keepsAlive = true) {
    const handle = setTimeout(callback, Math.min(delayMs, LONGEST_TIMER_MS))
    if (!keepsAlive) unref(handle)
    return { cancel: () => clearTimeout(handle) }
  },
  block(durationMs) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs)
  },
}

/** A browser's timer is a number and keeps nothing alive; the other runtimes' timers are objects that can be unref'd. */
function unref(handle: unknown): void {
  if (typeof handle === 'object' && handle !== null && 'unref' in handle && typeof handle.unref === 'function') {
    handle.unref()
  }
}

/** A source of numbers in [0, 1). Injected wherever something is drawn, so that tests are exact. */
export type Random = () => number

/** The runtime's own randomness. */
export const systemRandom: Random = Math.random

/** Two numbers of 32 bits that nobody can guess, for hashes of names that strangers choose. */
export function systemSeed(): [number, number] {
  const [first = 0, second = 0] = crypto.getRandomValues(new Uint32Array(2))
  return [first, second]
}
