/** `fetch` behind the guards of a service. */
import { type Call, type Clock, systemClock } from 'holdfast'
import { checkOptions, clockRule } from 'holdfast/options'
import { FIRST_FAILED_STATUS, lastError } from '../outgoing/answer-error.ts'
import { GUARD_RULES, type GuardedBy, type GuardOptions } from '../outgoing/guard-options.ts'
import { OneShotBody } from '../outgoing/one-shot-body.ts'
import { IDEMPOTENCY_KEY, OutgoingCall } from '../outgoing/outgoing-call.ts'
import { Refused } from './refused.ts'
import { UnreadAnswers } from './unread-answers.ts'
import { watchBody } from './watched-body.ts'

/** Anything that is called as `fetch` is. */
export type Fetch = typeof globalThis.fetch

/** What can be said of requests through `fetch`. */
export interface GuardFetchOptions extends GuardOptions {
  /** Source of time. Default: the system's. */
  readonly clock?: Clock | undefined
}

/**
 * The same `fetch`, behind the guards of a service: for your own code, and for every SDK that takes a `fetch`.
 *
 * Every request is a call of the service, redirects included. Answers with a status of 400 or more count by
 * what they prove (docs/failures.md); they are repeated where that does no harm, after the time of their
 * `Retry-After`, and the last one is handed out as `fetch` does. A call ends with the body of its answer: until then it has its
 * slot and its time limit.
 *
 * @param service a service, or a pipeline
 * @returns rejects as `fetch` does; or as the service's `execute` when the answer is no answer of the service: with a
 *   CircuitOpenError and so on when nothing was sent, a TimeoutError, a RetriesExhaustedError
 * @throws InvalidOptionError
 * @example
 * const fetchFromAlpaca = guardFetch(fetch, resilience.service('alpaca'))
 * const alpaca = new Alpaca({ keyId, secret, retry: false, rateLimit: false, fetchApi: fetchFromAlpaca })
 */
export function guardFetch(fetch: Fetch, service: GuardedBy, options: GuardFetchOptions = {}): Fetch {
  checkOptions('guardFetch', options, { ...GUARD_RULES, clock: clockRule })
  const { clock = systemClock } = options
  const around = { fetch, service, options, clock, unread: new UnreadAnswers(clock) }
  return async (input, init) => await new FetchCall(around, input, init).answer()
}

interface Surroundings {
  readonly fetch: Fetch
  readonly service: GuardedBy
  readonly options: GuardFetchOptions
  readonly clock: Clock
  readonly unread: UnreadAnswers
}

type Input = Parameters<Fetch>[0]
type Init = Parameters<Fetch>[1]

/** One request, with all its attempts. */
class FetchCall {
  readonly #around: Surroundings
  readonly #input: Input
  readonly #init: Init
  readonly #body: OneShotBody | undefined
  readonly #call: OutgoingCall
  #handOut: (answer: Response) => void = () => {}
  #isHandedOut = false
  #refused: Refused | undefined

  constructor(around: Surroundings, input: Input, init: Init) {
    const request = input instanceof Request ? input : undefined
    this.#around = around
    this.#input = input
    this.#init = init
    this.#body = OneShotBody.of(init?.body ?? request?.body, () => {
      this.#call.idempotent = false
    })
    this.#call = new OutgoingCall(around.options, {
      method: (init?.method ?? request?.method ?? 'GET').toUpperCase(),
      url: () => (request === undefined ? String(input) : request.url),
      hasKey: () => new Headers(init?.headers ?? request?.headers).has(IDEMPOTENCY_KEY),
      signal: init?.signal === undefined ? request?.signal : (init.signal ?? undefined),
    })
  }

  /** Handed out when its headers are there; its body is still the guards' business. */
  answer(): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.#handOut = resolve
      this.#around.service
        .execute(this.#attempt, this.#call)
        // What happens to an answer that was handed out is told to whoever reads its body.
        .then(undefined, (error: unknown) => this.#end(error, reject))
    })
  }

  readonly #attempt = (call: Call): Promise<Response> => {
    const { fetch } = this.#around
    // A call that hedges makes two attempts at once.
    if (this.#isHandedOut) return Promise.reject(superfluous())
    this.#refused?.discard()
    this.#refused = undefined
    return fetch(this.#input, this.#initFor(call)).then(this.#arrived)
  }

  #initFor({ signal }: Call): RequestInit {
    const init: RequestInit & { duplex?: 'half' } = { ...this.#init, signal }
    if (this.#body !== undefined) {
      init.body = this.#body.stream()
      init.duplex = 'half'
    }
    const { idempotencyKey } = this.#call
    if (idempotencyKey !== undefined) {
      const headers = new Headers(init.headers ?? (this.#input instanceof Request ? this.#input.headers : undefined))
      headers.set(IDEMPOTENCY_KEY, idempotencyKey)
      init.headers = headers
    }
    return init
  }

  readonly #arrived = async (response: Response): Promise<Response> => {
    const { service, unread } = this.#around
    service.rateLimiter?.learnFrom(response)
    if (response.status >= FIRST_FAILED_STATUS) return await this.#refuse(response)
    if (this.#isHandedOut) {
      await response.body?.cancel()
      throw superfluous()
    }
    this.#isHandedOut = true
    // From here on there is nothing to be repeated.
    this.#call.idempotent = false
    const read = response.body === null ? response : watchBody(response, unread)
    this.#handOut(response)
    return await read
  }

  async #refuse(response: Response): Promise<never> {
    this.#refused = await Refused.of(response, this.#body?.wasRead !== true, this.#around.clock)
    throw this.#refused
  }

  #end(error: unknown, reject: (reason: unknown) => void): void {
    const last = lastError(error)
    if (last instanceof Refused) this.#handOut(last.response)
    else reject(error)
  }
}

/** Why an attempt is given up whose request has been answered. */
function superfluous(): DOMException {
  return new DOMException('another attempt was answered first', 'AbortError')
}
