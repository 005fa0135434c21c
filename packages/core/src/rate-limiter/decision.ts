/** What was decided about one call, and what to tell the client. */
export interface RateLimitDecision {
  /** Whether the tokens were taken. */
  readonly allowed: boolean
  /** Which limit is the tightest one, to which the other figures belong. */
  readonly scope: 'global' | 'client'
  /** Its `burstSize`. */
  readonly limit: number
  /** Whole tokens left in it. */
  readonly remaining: number
  /** How long to wait before trying again, in milliseconds; 0 when allowed. Who waits that long and is alone is admitted. */
  readonly retryAfterMs: number
  /** In how many milliseconds it is full again. */
  readonly resetMs: number
}

/** A decision that is written over by the next one, so that a server makes none for each request. */
export type DecisionRecord = { -readonly [Field in keyof RateLimitDecision]: RateLimitDecision[Field] }

/** A decision to be written over by `RateLimiter.admit`. */
export function newDecision(): DecisionRecord {
  return { allowed: false, scope: 'global', limit: 0, remaining: 0, retryAfterMs: 0, resetMs: 0 }
}
