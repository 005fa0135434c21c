/** undici's dispatchers behind the guards of a service. */
import { Readable } from 'node:stream'
import type { Call } from 'holdfast'
import type { Dispatcher } from 'undici'
import { lastError } from '../outgoing/answer-error.ts'
import { checkGuardOptions, type GuardedBy, type GuardOptions } from '../outgoing/guard-options.ts'
import { OneShotBody } from '../outgoing/one-shot-body.ts'
import { IDEMPOTENCY_KEY, OutgoingCall } from '../outgoing/outgoing-call.ts'
import { type AnswerHead, type AttemptOwner, DispatchAttempt, RefusedDispatch } from './dispatch-attempt.ts'
import { GuardController } from './guard-controller.ts'

/**
 * An interceptor for undici's dispatchers: every request through them is a call of the service, as with `guardFetch`. Compose
 * it last: then what the others do (follow a redirect, decompress) belongs to the call. undici tells when a request begins to be
 * written, so here a request that waited for a connection in vain is known never to have been sent, and is repeated whatever
 * its method.
 *
 * Upgrades and `CONNECT` are passed on as they are.
 *
 * @param service a service, or a pipeline
 * @throws InvalidOptionError
 * @example
 * const agent = new Agent().compose(interceptors.redirect({ maxRedirections: 3 }), guardUndici(resilience.service('fred')))
 * const { statusCode, body } = await request(url, { dispatcher: agent })
 */
export function guardUndici(service: GuardedBy, options: GuardOptions = {}): Dispatcher.DispatcherComposeInterceptor {
  checkGuardOptions('guardUndici', options)
  return (dispatch) => (request, handler) => {
    if (request.upgrade || request.method === 'CONNECT') return dispatch(request, handler)
    new DispatchCall({ dispatch, service, options }, request, handler).run()
    return true
  }
}

interface Surroundings {
  readonly dispatch: Dispatcher.Dispatch
  readonly service: GuardedBy
  readonly options: GuardOptions
}

/** One request, with all its attempts. */
class DispatchCall implements AttemptOwner {
  readonly #around: Surroundings
  readonly #request: Dispatcher.DispatchOptions
  readonly #handler: Dispatcher.DispatchHandler
  readonly #body: OneShotBody | undefined
  readonly #call: OutgoingCall
  readonly #controller = new GuardController()
  /** Whether it may be repeated once it has been sent. */
  readonly #isIdempotent: boolean
  #isHandedOut = false

  constructor(around: Surroundings, request: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler) {
    this.#around = around
    this.#request = request
    this.#handler = handler
    this.#body = OneShotBody.of(request.body, () => {
      this.#call.idempotent = false
    })
    this.#call = new OutgoingCall(around.options, {
      method: request.method.toUpperCase(),
      url: () => `${request.origin ?? ''}${request.path}`,
      hasKey: () =>
        flat(request.headers).some((text, index) => index % 2 === 0 && text.toLowerCase() === IDEMPOTENCY_KEY),
      signal: this.#controller.signal,
    })
    this.#isIdempotent = this.#call.idempotent
  }

  run(): void {
    // It can be given up before its first attempt has begun.
    this.#handler.onRequestStart?.(this.#controller, {})
    this.#around.service
      .execute(this.#attempt, this.#call)
      .then(undefined, (error: unknown) => this.#end(lastError(error), error))
  }

  get isRepeatable(): boolean {
    return this.#body?.wasRead !== true
  }

  sent(): void {
    this.#call.idempotent = this.#isIdempotent && this.isRepeatable
  }

  answered(headers: unknown): void {
    this.#around.service.rateLimiter?.learnFrom({ headers })
  }

  handOut(head: AnswerHead, controller: Dispatcher.DispatchController): boolean {
    // A call that hedges makes two attempts at once.
    if (this.#isHandedOut) return false
    this.#isHandedOut = true
    this.#call.idempotent = false
    this.#controller.follow(controller)
    this.#handler.onResponseStart?.(this.#controller, head.status, head.headers, head.message)
    return true
  }

  part(part: Buffer): void {
    this.#handler.onResponseData?.(this.#controller, part)
  }

  end(trailers: RefusedDispatch['trailers']): void {
    this.#handler.onResponseEnd?.(this.#controller, trailers)
  }

  broke(error: Error): void {
    this.#handler.onResponseError?.(this.#controller, error)
  }

  readonly #attempt = ({ signal }: Call): Promise<unknown> => {
    // Until undici begins to write it, it has never been sent.
    this.#call.idempotent = true
    return new Promise((resolve, reject) => {
      this.#around.dispatch(this.#forAttempt(), new DispatchAttempt(this, signal, { resolve, reject }))
    })
  }

  #forAttempt(): Dispatcher.DispatchOptions {
    const { idempotencyKey } = this.#call
    let request = this.#request
    if (this.#body !== undefined) request = { ...request, body: Readable.from(this.#body.iterable()) }
    if (idempotencyKey === undefined) return request
    return { ...request, headers: [...flat(request.headers), IDEMPOTENCY_KEY, idempotencyKey] }
  }

  /** What happens to an answer that was handed out, undici tells its handler. */
  #end(last: unknown, error: unknown): void {
    if (this.#isHandedOut) return
    if (last instanceof RefusedDispatch) {
      this.handOut(last.head, last.controller)
      for (const part of last.parts) this.part(part)
      this.end(last.trailers)
    } else {
      this.broke(error instanceof Error ? error : new Error('the request failed', { cause: error }))
    }
  }
}

/** undici takes headers as an object, as pairs, and as a flat list of names and values. */
function flat(headers: Dispatcher.DispatchOptions['headers']): string[] {
  if (headers === undefined || headers === null) return []
  if (Array.isArray(headers)) return headers
  const pairs = Symbol.iterator in headers ? [...headers] : Object.entries(headers)
  return pairs.flatMap(([name, value]) => [value ?? []].flat().flatMap((one) => [name, String(one)]))
}
