/** What a measurement consists of. */

/** How the calls of a suite are made, and how each of them has to end. */
export type Shape =
  /** One after the other; each must fulfil. */
  | 'fulfils'
  /** One after the other; each must reject. */
  | 'rejects'
  /** Sixty-four under way at a time; each must fulfil. */
  | '64 in flight'

/** Something to call, set up and ready. */
export interface Prepared {
  readonly call: () => unknown
  /** Stops timers and the like. */
  readonly dispose?: (() => void) | undefined
}

/** One contestant of a suite. */
export interface Contestant {
  /** What it is: `holdfast`, or the name of a package and how it was set up. */
  readonly name: string
  /** The package whose version stands beside the figure; none for a baseline. */
  readonly package?: string | undefined
  readonly prepare: () => Prepared | Promise<Prepared>
}

/** Contestants that do the same, measured side by side against a baseline. */
export interface Suite {
  /** Name on the command line. */
  readonly name: string
  /** What is compared, in a few words. */
  readonly title: string
  /** What a reader has to know to judge the figures. */
  readonly note: string
  readonly shape: Shape
  readonly baseline: Contestant
  readonly contestants: readonly Contestant[]
}
