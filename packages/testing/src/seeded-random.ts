import type { Random } from 'holdfast'

/**
 * Numbers in [0, 1) that are the same for the same seed, on every machine (the mulberry32 generator: 32 bits of state,
 * more than good enough to draw faults and delays, not for secrets).
 *
 * @param seed any whole number
 * @example
 * const random = seededRandom(7)
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
