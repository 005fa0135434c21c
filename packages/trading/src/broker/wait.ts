import type { Clock, Timer } from 'holdfast'

/** Nobody answered in time. */
export const TOO_LATE: unique symbol = Symbol('too late')

/** Waits for a promise until a moment of the monotonic clock, or until a signal; what comes later is not lost, only not waited for. */
export function waitUntil<T>(
  promise: Promise<T>,
  at: number,
  clock: Clock,
  signal?: AbortSignal,
): Promise<T | typeof TOO_LATE> {
  return new Promise((resolve, reject) => {
    let timer: Timer | undefined
    const giveUp = (): void => done(() => resolve(TOO_LATE))
    const done = (settle: () => void): void => {
      timer?.cancel()
      signal?.removeEventListener('abort', giveUp)
      settle()
    }
    if (at !== Number.POSITIVE_INFINITY) timer = clock.setTimer(giveUp, Math.max(0, at - clock.now()))
    signal?.addEventListener('abort', giveUp)
    promise.then(
      (value) => done(() => resolve(value)),
      (error: unknown) => done(() => reject(error)),
    )
    if (signal?.aborted) giveUp()
  })
}
