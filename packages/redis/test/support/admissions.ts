/** What processes admitted, and whether any window saw more than the limit allows. */
export interface Admission {
  /** When, in milliseconds on a scale that all processes share. */
  readonly at: number
  readonly cost: number
}

/**
 * By how many tokens the worst of all windows is over `burstSize + tokensPerSecond × W`; 0 when none is. A bucket that leaks
 * at the rate stands after each admission as high as the worst window that ends there, so one pass sees every window.
 */
export function overAdmission(
  admissions: readonly Admission[],
  limit: { readonly tokensPerSecond: number; readonly burstSize: number },
): number {
  let level = 0
  let last = Number.NEGATIVE_INFINITY
  let worst = 0
  for (const { at, cost } of [...admissions].sort((a, b) => a.at - b.at)) {
    level = Math.max(0, level - ((at - last) / 1_000) * limit.tokensPerSecond) + cost
    last = at
    worst = Math.max(worst, level)
  }
  // Rounding of the sum itself.
  return Math.max(0, worst - limit.burstSize - 1e-6)
}
