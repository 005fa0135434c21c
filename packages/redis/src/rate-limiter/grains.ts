/** Tokens in grains, the unit in which Redis counts them: see `scripts/bucket-lua.ts`. */

/** How many grains a token has in a bucket of that burst: a power of two, so that every sum stays exact. */
export function grainsPerToken(burstSize: number): number {
  let exponent = 0
  while (2 ** exponent <= burstSize) exponent++
  return 2 ** Math.min(40, 51 - exponent)
}
