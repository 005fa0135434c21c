/** Exact tests of resilience: time that a test moves, and randomness that repeats. */
export { seededRandom } from './seeded-random.ts'
export { VirtualClock } from './virtual-clock.ts'
