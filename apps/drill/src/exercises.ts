import { cancels } from './cancels/cancels-exercise.ts'
import type { Exercise } from './exercise.ts'
import { journal } from './journal/journal-exercise.ts'
import { kills, killsOfTws } from './kills/kill-exercise.ts'
import { limits } from './limits/limits-exercise.ts'

/** All exercises, in the order in which they are done. */
export const EXERCISES: readonly Exercise[] = [kills, killsOfTws, limits, cancels, journal]
