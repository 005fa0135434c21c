/** The contestants, for who must not load them: they are to be loaded in virtual time only. */

/** How many seeds each is run with unless told otherwise. The more processor time one takes, the fewer. */
const SEEDS = {
  'holdfast INTERNAL': 5,
  'holdfast DATA_PROVIDER': 5,
  'holdfast BROKER': 5,
  cockatiel: 2,
  opossum: 1,
  'opossum + p-retry': 1,
  'p-retry + bottleneck': 1,
  bare: 2,
  'naive retry': 2,
} as const

export const SUBJECT_NAMES: readonly string[] = Object.keys(SEEDS)

/** With how many seeds a contestant is run unless told otherwise. */
export function usualSeeds(subject: string): number {
  return new Map<string, number>(Object.entries(SEEDS)).get(subject) ?? 1
}
