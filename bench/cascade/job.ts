import type { SecondResult } from '@holdfast/testing'
import type { Scale } from './case.ts'

/** One scenario of one seed, for all contestants. */
export interface Job {
  readonly case: string
  readonly scale: Scale
  readonly seed: number
  readonly subjects: readonly string[]
}

/** What a worker tells of a job. */
export interface JobResult {
  readonly job: Job
  readonly runs: readonly {
    readonly subject: string
    readonly figures: Readonly<Record<string, number>>
    /** Only of the runs that are drawn. */
    readonly seconds: readonly SecondResult[] | undefined
  }[]
}

/** Whether the seconds of a job are kept. */
export function isDrawn({ scale, seed }: Job): boolean {
  return scale === 1 && seed === 1
}
