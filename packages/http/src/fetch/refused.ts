import type { Clock } from 'holdfast'
import { AnswerError } from '../outgoing/answer-error.ts'
import { ReadAhead } from './read-ahead.ts'
import { readInstead } from './watched-body.ts'

/** An answer of `fetch` with a status of 400 or more, whose body has been read as far as that is quick. */
export class Refused extends AnswerError {
  readonly response: Response
  readonly #body: ReadAhead | undefined

  private constructor(response: Response, retryable: boolean, body: ReadAhead | undefined) {
    super(response.status, response.headers, retryable)
    this.response = response
    this.#body = body
    if (body !== undefined) readInstead(response, body.stream())
  }

  /** @param retryable whether the request can be made once more */
  static async of(response: Response, retryable: boolean, clock: Clock): Promise<Refused> {
    const { body } = response
    return new Refused(response, retryable, body === null ? undefined : await ReadAhead.of(body, clock))
  }

  /** Another attempt follows: nobody will read the answer of this one. */
  discard(): void {
    this.#body?.discard().catch(() => {
      // It had broken already, and is nobody's business any more.
    })
  }
}
