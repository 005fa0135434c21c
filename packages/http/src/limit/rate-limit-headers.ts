/** The headers that tell a client about its limit (IETF draft "RateLimit header fields for HTTP"; RFC 9110 for Retry-After). */
import type { RateLimit } from 'holdfast'

/** A limit as a client is told of it. */
export interface Policy {
  /** `default` where it is the only one. */
  readonly name: string
  /** Whether each client has it for himself. */
  readonly scope: 'global' | 'client'
  readonly tokensPerSecond: number
  readonly burstSize: number
}

/** A policy of which nothing is left to guess. */
export function policyOf(name: string, scope: Policy['scope'], limit: RateLimit): Policy {
  const { tokensPerSecond, burstSize = Math.max(1, tokensPerSecond) } = limit
  return { name, scope, tokensPerSecond, burstSize }
}

/** `RateLimit-Policy`: quota and window in seconds of each limit, for example `"default";q=10;w=4`. */
export function policyHeader(policies: readonly Policy[]): string {
  return policies
    .map(({ name, burstSize, tokensPerSecond }) => {
      const windowSeconds = Math.max(1, Math.ceil(burstSize / tokensPerSecond))
      return `"${name}";q=${Math.floor(burstSize)};w=${windowSeconds}`
    })
    .join(', ')
}

/** `RateLimit`: what is left of a limit, and in how many seconds there is more, for example `"default";r=7;t=1`. */
export function limitHeader(name: string, remaining: number, seconds: number): string {
  return `"${name}";r=${remaining};t=${seconds}`
}

/** `Retry-After`: whole seconds, at least 1, rounded up so that a client which obeys is admitted. */
export function retryAfterSeconds(retryAfterMs: number): number {
  return Math.max(1, Math.ceil(retryAfterMs / 1_000))
}
