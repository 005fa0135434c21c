import process from 'node:process'

/** Resolves when nothing is left to do without waiting for the outside: whatever is asked for until then goes together. */
export function afterThisTurn(): Promise<void> {
  return new Promise((resolve) => {
    // From a microtask, the next tick comes when there are no more microtasks.
    queueMicrotask(() => process.nextTick(resolve))
  })
}
