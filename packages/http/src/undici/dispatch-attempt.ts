import type { Dispatcher } from 'undici'
import { AnswerError, FIRST_FAILED_STATUS } from '../outgoing/answer-error.ts'

/** Refusals with a longer body than this, in bytes, are passed on as they come, and not repeated. */
const MOST_KEPT = 65_536

type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2]
type Controller = Dispatcher.DispatchController

/** The beginning of an answer. */
export interface AnswerHead {
  readonly status: number
  readonly headers: Headers
  readonly message: string | undefined
}

/** An answer with a status of 400 or more, kept until it is known whether another attempt follows. */
export class RefusedDispatch extends AnswerError {
  readonly head: AnswerHead
  readonly parts: readonly Buffer[]
  readonly trailers: Headers
  readonly controller: Controller

  constructor(head: AnswerHead, rest: Pick<RefusedDispatch, 'parts' | 'trailers' | 'controller' | 'retryable'>) {
    super(head.status, head.headers, rest.retryable)
    this.head = head
    this.parts = rest.parts
    this.trailers = rest.trailers
    this.controller = rest.controller
  }
}

/** What an attempt tells the request that it is made for. */
export interface AttemptOwner {
  /** Whether the request can be made once more. */
  readonly isRepeatable: boolean
  /** Its bytes are about to be written. */
  sent(): void
  /** Its headers are there. */
  answered(headers: Headers): void
  /** Whoever made the request gets this answer. @returns false when he has another already */
  handOut(head: AnswerHead, controller: Controller): boolean
  /** A part of the answer that was handed out. */
  part(part: Buffer): void
  /** The end of it. */
  end(trailers: Headers): void
  /** Or what broke it. */
  broke(error: Error): void
}

interface Settle {
  readonly resolve: (value: unknown) => void
  readonly reject: (reason: unknown) => void
}

/**
 * One attempt, as undici sees it. Answers below 400 are passed on as they come; others are kept, in case another attempt
 * follows.
 */
export class DispatchAttempt implements Dispatcher.DispatchHandler {
  readonly #owner: AttemptOwner
  readonly #signal: AbortSignal
  readonly #settle: Settle
  #controller: Controller | undefined
  #head: AnswerHead | undefined
  #isHandedOut = false
  #kept: Buffer[] = []
  #keptBytes = 0

  constructor(owner: AttemptOwner, signal: AbortSignal, settle: Settle) {
    this.#owner = owner
    this.#signal = signal
    this.#settle = settle
    signal.addEventListener('abort', () => this.#giveUp(), { once: true })
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller
    // Given up before it began: nothing is written.
    if (this.#signal.aborted) this.#giveUp()
    else this.#owner.sent()
  }

  onResponseStart(controller: Controller, status: number, headers: Headers, message?: string): void {
    if (status < 200) return
    this.#owner.answered(headers)
    this.#head = { status, headers, message }
    if (status < FIRST_FAILED_STATUS) this.#handOut(this.#head, controller)
  }

  onResponseData(controller: Controller, part: Buffer): void {
    if (this.#isHandedOut) return this.#owner.part(part)
    this.#kept.push(part)
    this.#keptBytes += part.length
    if (this.#keptBytes > MOST_KEPT && this.#head !== undefined) this.#handOut(this.#head, controller)
  }

  onResponseEnd(controller: Controller, trailers: Headers): void {
    const head = this.#head
    if (head === undefined) return
    const retryable = !this.#isHandedOut && this.#owner.isRepeatable
    if (head.status < FIRST_FAILED_STATUS) this.#settle.resolve(head)
    else this.#settle.reject(new RefusedDispatch(head, { parts: this.#kept, trailers, controller, retryable }))
    if (this.#isHandedOut) this.#owner.end(trailers)
  }

  onResponseError(_controller: Controller, error: Error): void {
    // First, because who reads the answer gives up the whole request when it breaks.
    this.#settle.reject(error)
    if (this.#isHandedOut) this.#owner.broke(error)
  }

  #handOut(head: AnswerHead, controller: Controller): void {
    this.#isHandedOut = this.#owner.handOut(head, controller)
    if (!this.#isHandedOut)
      return controller.abort(new DOMException('another attempt was answered first', 'AbortError'))
    for (const part of this.#kept) this.#owner.part(part)
    this.#kept = []
  }

  #giveUp(): void {
    const reason: unknown = this.#signal.reason
    this.#controller?.abort(reason instanceof Error ? reason : new DOMException(String(reason), 'AbortError'))
  }
}
