import type { Random } from 'holdfast'

/** Draws a duration in milliseconds. */
export type Distribution = (random: Random) => number

/** Always the same. */
export function constant(durationMs: number): Distribution {
  return () => durationMs
}

/** Anything between the two, equally likely. */
export function uniform(leastMs: number, mostMs: number): Distribution {
  return (random) => leastMs + random() * (mostMs - leastMs)
}

/** Memoryless, as the gaps between independent arrivals are. */
export function exponential(meanMs: number): Distribution {
  return (random) => -Math.log(1 - random()) * meanMs
}

/**
 * As service times mostly are: many near the median, some much longer.
 *
 * @param spread standard deviation of the logarithm: 0.25 is narrow, with one in a hundred above 1.8 times the median;
 *   1 is wide, with one in a hundred above ten times
 */
export function logNormal(medianMs: number, spread: number): Distribution {
  // Box and Muller's transform: two even draws make one of the normal distribution.
  return (random) => {
    const radius = Math.sqrt(-2 * Math.log(1 - random()))
    return medianMs * Math.exp(spread * radius * Math.cos(2 * Math.PI * random()))
  }
}
