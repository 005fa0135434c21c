import type { Random } from 'holdfast'
import type { VirtualClock } from '../clock/virtual-clock.ts'
import type { Distribution } from '../distribution.ts'

/** A request as the upstream sees it. */
export interface UpstreamRequest {
  /** Which request of the caller's: attempts for the same one carry the same. */
  readonly id: number
  /** What it is about (a symbol, an account), for faults that concern only some. */
  readonly key?: string | undefined
  /** Draws of this request: the same for whoever sends it, so that contestants meet the same luck. */
  readonly random: Random
}

/** What happens to a request that a fault meets. */
export type FaultAction =
  /** The connection is refused. What was being worked on when it began is reset. */
  | { readonly type: 'refuse' }
  /** Accepted and never answered, also what was being worked on when it began. */
  | { readonly type: 'hang' }
  /** Everything takes so many times as long, and keeps a worker as long. */
  | { readonly type: 'slow'; readonly factor: number }
  /** A quick answer with this status, and `Retry-After` if it is told. */
  | { readonly type: 'status'; readonly status: number; readonly retryAfterMs?: number | undefined }
  /** It is done, but the answer is lost with its connection. */
  | { readonly type: 'lose-answer' }

/** A fault over a time. */
export type Fault = FaultAction & {
  /** When it begins, in milliseconds after the upstream's own beginning. Default 0. */
  readonly fromMs?: number | undefined
  /** When it ends. Default: never. */
  readonly toMs?: number | undefined
  /** The share of requests that it meets, from 0 to 1. Default 1. */
  readonly share?: number | undefined
  /** Which requests it can meet. Default: all. */
  readonly when?: ((request: UpstreamRequest) => boolean) | undefined
}

/** A provider's limit on requests. */
export interface ProviderLimit {
  /** How many it takes in any window. */
  readonly requests: number
  /** Length of the window, in milliseconds. */
  readonly windowMs: number
  /** Who exceeds it too often is turned away for a while altogether. */
  readonly ban?: { readonly violations: number; readonly durationMs: number } | undefined
}

/** An upstream, simulated. */
export interface UpstreamOptions {
  readonly clock: VirtualClock
  /** How many requests it works on at once. */
  readonly workers: number
  /** How many more wait in it; one more is answered with 503 at once. Default: any number. */
  readonly maxQueue?: number | undefined
  /** How long the work takes. */
  readonly serviceTime: Distribution
  /** How long the way takes, each way, in milliseconds. Default: between 0.5 and 1.5. */
  readonly network?: Distribution | undefined
  readonly limit?: ProviderLimit | undefined
  /** The first that meets a request decides. */
  readonly faults?: readonly Fault[] | undefined
}
