/** The whole public surface of `holdfast`. */
export { type Clock, LONGEST_TIMER_MS, type Random, systemClock, systemRandom, type Timer } from './clock.ts'
