/** The contestants, for who must not load them: they are to be loaded in virtual time only. */
export const SUBJECT_NAMES: readonly string[] = [
  'holdfast INTERNAL',
  'holdfast DATA_PROVIDER',
  'holdfast BROKER',
  'cockatiel',
  'opossum',
  'opossum + p-retry',
  'p-retry + bottleneck',
  'bare',
  'naive retry',
]
