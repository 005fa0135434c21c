/** How figures are written. */

/** A ratio: three digits that matter, `1.6`, `24`, `136`. */
export function ratioText(ratio: number): string {
  return ratio < 10 ? ratio.toFixed(1) : ratio.toFixed(0)
}

/** A time: `48 ns`, `3.1 µs`. */
export function nanoseconds(value: number): string {
  if (value < 1_000) return `${value.toFixed(0)} ns`
  return value < 1e6 ? `${(value / 1e3).toFixed(1)} µs` : `${(value / 1e6).toFixed(1)} ms`
}
