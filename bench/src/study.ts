/** A measurement of something else than the time that a call takes: bytes, pauses, the CPU of a server. */
import type { Effort } from './measure.ts'

/** What one column of the table shows. */
export interface Column {
  /** Name of the figure in a row. */
  readonly figure: string
  /** Head of the column, with the unit. */
  readonly head: string
  readonly digits: number
}

/** What was found out about one contestant. */
export interface Row {
  readonly name: string
  /** The package whose version stands beside the figures; none for a baseline. */
  readonly package?: string | undefined
  /** What does not apply to the contestant is left out. */
  readonly figures: Readonly<Record<string, number>>
}

/** Contestants that do the same, and what each of them needs for it. */
export interface Study {
  /** Name on the command line. */
  readonly name: string
  /** What is compared, in a few words. */
  readonly title: string
  /** What a reader has to know to judge the figures. */
  readonly note: string
  readonly columns: readonly Column[]
  /** @param onRow told after each contestant, for progress */
  readonly measure: (effort: Effort, onRow: (done: number, of: number) => void) => Promise<readonly Row[]>
}
