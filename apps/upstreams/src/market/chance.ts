import { seededRandom } from '@holdfast/testing'
import type { Random } from 'holdfast'

/** A generator that depends on the seed and on what it is for, and on nothing that was drawn before. */
export function chanceFor(seed: number, ...purpose: readonly (string | number)[]): Random {
  let hash = seed >>> 0
  for (const character of purpose.join('/')) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16_777_619) >>> 0
  return seededRandom(hash)
}

/** A draw from the normal distribution with mean 0 and deviation 1 (Box and Muller). */
export function gaussian(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

/**
 * A random path of `steps` steps from 0 to 0 whose steps deviate by `deviation`: a Brownian bridge.
 *
 * @returns `steps + 1` values, the first and the last 0
 */
export function bridge(random: Random, steps: number, deviation: number): Float64Array {
  const path = new Float64Array(steps + 1)
  for (let step = 1; step <= steps; step++) path[step] = (path[step - 1] ?? 0) + gaussian(random) * deviation
  const end = path[steps] ?? 0
  for (let step = 1; step <= steps; step++) path[step] = (path[step] ?? 0) - (end * step) / steps
  return path
}
