import { RetriesExhaustedError } from 'holdfast'

/** Answers with this status or a higher one are refusals or failures. */
export const FIRST_FAILED_STATUS = 400

/**
 * An answer of the service with a status of 400 or more, on its way through the guards: they read status and headers. Who made
 * the request never sees it: he gets the answer itself, as if there were no guard.
 */
export class AnswerError extends Error {
  override readonly name: string = 'AnswerError'
  readonly status: number
  readonly headers: unknown
  /** Whether the request can be made once more: not if its body could be read only once, and was. */
  readonly retryable: boolean

  constructor(status: number, headers: unknown, retryable: boolean) {
    super(`the service answered ${status}`)
    this.status = status
    this.headers = headers
    this.retryable = retryable
  }
}

/** What the last attempt ended with. */
export function lastError(error: unknown): unknown {
  return error instanceof RetriesExhaustedError ? error.cause : error
}
