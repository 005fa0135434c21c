/** `Retry-After` (RFC 9110, 10.2.3): whole seconds, at least 1, rounded up so that a client which obeys is admitted. */
export function retryAfterSeconds(retryAfterMs: number): number {
  return Math.max(1, Math.ceil(retryAfterMs / 1_000))
}
