/** The headers that tell a client about its limit (IETF draft "RateLimit header fields for HTTP"; RFC 9110 for Retry-After). */
import type { RateLimitDecision } from 'holdfast'

/** A limit, complete. */
export interface Quota {
  readonly tokensPerSecond: number
  readonly burstSize: number
}

/** The limits in force. */
export interface Policies {
  readonly global: Quota | undefined
  readonly client: Quota | undefined
}

/** `RateLimit-Policy`: quota and window in seconds of each limit, for example `"default";q=10;w=4`. */
export function policyHeader(policies: Policies): string {
  const parts: string[] = []
  for (const scope of ['client', 'global'] as const) {
    const limit = policies[scope]
    if (limit === undefined) continue
    const { burstSize, tokensPerSecond } = limit
    parts.push(
      `"${nameOf(scope, policies)}";q=${Math.floor(burstSize)};w=${Math.max(1, Math.ceil(burstSize / tokensPerSecond))}`,
    )
  }
  return parts.join(', ')
}

/** `RateLimit`: what is left of the tighter limit, and in how many seconds it is full, for example `"default";r=7;t=1`. */
export function limitHeader({ scope, remaining, resetMs }: RateLimitDecision, policies: Policies): string {
  return `"${nameOf(scope, policies)}";r=${remaining};t=${Math.ceil(resetMs / 1_000)}`
}

/** `Retry-After`: whole seconds, at least 1, rounded up so that a client which obeys is admitted. */
export function retryAfterSeconds(retryAfterMs: number): number {
  return Math.max(1, Math.ceil(retryAfterMs / 1_000))
}

/** A limit that is alone needs no name of its own. */
function nameOf(scope: 'client' | 'global', { global, client }: Policies): string {
  return global === undefined || client === undefined ? 'default' : scope
}
