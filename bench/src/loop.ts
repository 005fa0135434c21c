import { runInThisContext } from 'node:vm'
import type { Shape } from './suite.ts'

/** Makes so many calls. */
export type Loop = (calls: number) => Promise<void>

/** How many calls are under way at a time in the shape `64 in flight`. */
export const IN_FLIGHT = 64

const BODIES: Readonly<Record<Shape, string>> = {
  fulfils: `
    for (let i = 0; i < calls; i++) await call()`,
  rejects: `
    for (let i = 0; i < calls; i++) {
      let rejected = false
      try { await call() } catch { rejected = true }
      if (!rejected) throw new Error('it was to reject')
    }`,
  '64 in flight': `
    for (let i = 0; i < calls; i += ${IN_FLIGHT}) {
      const under = new Array(${IN_FLIGHT})
      for (let k = 0; k < ${IN_FLIGHT}; k++) under[k] = call()
      await Promise.all(under)
    }`,
}

let made = 0

/**
 * A loop of its own for each contestant, compiled from text: one that all shared would carry the type feedback of all, and
 * be slower for each than the loop of a real program.
 */
export function makeLoop(call: () => unknown, shape: Shape): Loop {
  // The number keeps V8 from taking an equal text from its cache.
  const text = `(call) => async function loop${++made}(calls) {${BODIES[shape]}\n}`
  const make: (call: () => unknown) => Loop = runInThisContext(text)
  return make(call)
}
