/** Exact tests of resilience: time that a test moves, and randomness that repeats. */
export { VirtualClock } from './clock/virtual-clock.ts'
export { installVirtualGlobals, type VirtualGlobals } from './clock/virtual-globals.ts'
export { seededRandom } from './seeded-random.ts'
