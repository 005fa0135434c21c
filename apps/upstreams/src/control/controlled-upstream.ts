import type { Ledger } from '../ledger.ts'
import type { RequestCounter } from '../request-limit.ts'
import type { UpstreamStatistics } from '../upstream-statistics.ts'

/** A rule in force, with how often it matched and was applied. */
export interface FaultReport {
  readonly id: string
  readonly match: object
  readonly action: { readonly type: string }
  readonly seen: number
  readonly hits: number
}

/** What the control does to an upstream, whatever protocol it speaks. */
export interface ControlledUpstream {
  readonly name: string
  readonly faults: { list(): readonly FaultReport[] }
  readonly counters: ReadonlyMap<string, RequestCounter>
  readonly statistics: UpstreamStatistics
  /** What really happened to orders; undefined where there are none. */
  readonly ledger?: Ledger | undefined
  /**
   * Checks a rule, or a list of rules.
   *
   * @returns a function that puts them in force
   * @throws InvalidRuleError
   */
  prepareFaults(rules: unknown): () => void
  /** Takes the faults away, and what came of them. */
  clearFaults(): void
  /** Begins anew: no faults, nothing counted, the limits as they were. */
  reset(): void
}
