import type { Subject } from '@holdfast/testing'
import { bare } from './bare.ts'
import { bottleneck } from './bottleneck.ts'
import { cockatiel } from './cockatiel.ts'
import { holdfast } from './holdfast.ts'
import { naiveRetry } from './naive-retry.ts'
import { opossum, opossumWithRetry } from './opossum.ts'

/** Every contestant, in the order of the report. */
export const SUBJECTS: readonly Subject[] = [
  holdfast('INTERNAL'),
  holdfast('DATA_PROVIDER'),
  holdfast('BROKER'),
  cockatiel,
  opossum,
  opossumWithRetry,
  bottleneck,
  bare,
  naiveRetry,
]
