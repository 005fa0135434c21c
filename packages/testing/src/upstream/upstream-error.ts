/** A failure as SDKs throw it: with a code of the network's, or with a status and its headers. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError'
  readonly code: string | undefined
  readonly syscall: string | undefined
  readonly status: number | undefined
  readonly headers: Readonly<Record<string, string>>

  private constructor(
    message: string,
    facts: { code?: string; syscall?: string; status?: number; headers?: Readonly<Record<string, string>> },
  ) {
    super(message)
    this.code = facts.code
    this.syscall = facts.syscall
    this.status = facts.status
    this.headers = facts.headers ?? {}
  }

  static connectionRefused(): UpstreamError {
    return new UpstreamError('connect ECONNREFUSED', { code: 'ECONNREFUSED', syscall: 'connect' })
  }

  static connectionReset(): UpstreamError {
    return new UpstreamError('read ECONNRESET', { code: 'ECONNRESET', syscall: 'read' })
  }

  static status(status: number, retryAfterMs?: number): UpstreamError {
    const headers = retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) }
    return new UpstreamError(`answered ${status}`, { status, headers })
  }
}
