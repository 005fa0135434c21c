import process from 'node:process'

/** Runs something when nothing is left to do without waiting for the outside: what is asked for until then goes together. */
export function afterThisTurn(run: () => void): void {
  // From a microtask, the next tick comes when there are no more microtasks.
  queueMicrotask(() => process.nextTick(run))
}
