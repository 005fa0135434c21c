/** How a program is let run on without time passing. Taken before anybody can replace the globals by virtual ones. */

const { setImmediate } = globalThis
const nextTick = typeof process === 'object' && !('bun' in process.versions) ? process.nextTick : undefined

/** After how many quick turns a real one lets the process breathe: sockets, signals, reports of unhandled rejections. */
const QUICK_TURNS = 1_000

let quickTurns = 0

/** A whole turn of the event loop: sockets, and every promise that can settle. */
export function wholeTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/**
 * Calls back when every promise that can settle has. In Node this is the next tick as asked for from a microtask, since all
 * microtasks run before it: a quarter of a microsecond, where a turn of the event loop takes one and a half.
 */
export function whenSettled(callback: () => void): void {
  if (nextTick === undefined || ++quickTurns % QUICK_TURNS === 0) setImmediate(callback)
  else queueMicrotask(() => nextTick(callback))
}
