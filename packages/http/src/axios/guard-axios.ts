/** axios behind the guards of a service. */
import {
  type AxiosAdapter,
  type AxiosResponse,
  CanceledError,
  getAdapter,
  type InternalAxiosRequestConfig,
  isAxiosError,
  isCancel,
} from 'axios'
import type { Call } from 'holdfast'
import { checkOptions, type Rule } from 'holdfast/options'
import { AnswerError, FIRST_FAILED_STATUS, lastError } from '../outgoing/answer-error.ts'
import { GUARD_RULES, type GuardedBy, type GuardOptions } from '../outgoing/guard-options.ts'
import { IDEMPOTENCY_KEY, OutgoingCall } from '../outgoing/outgoing-call.ts'
import { Cancellation } from './cancellation.ts'

/** What can be said of requests through axios. */
export interface GuardAxiosOptions extends GuardOptions {
  /** How requests are made: `http`, `xhr`, `fetch`, or an adapter. Default: what axios takes on this runtime. */
  readonly adapter?: InternalAxiosRequestConfig['adapter']
}

const ADAPTER_RULE: Rule = {
  allows: (value) => typeof value === 'function' || typeof value === 'string' || Array.isArray(value),
  says: 'it must be the name of an adapter, a list of names, or an adapter',
}

/**
 * An adapter for axios: every request through it is a call of the service, redirects included, as with `guardFetch`. An
 * answer reaches the caller as axios hands it out, whatever its status; so does his own cancellation.
 *
 * @param service a service, or a pipeline
 * @throws InvalidOptionError
 * @example
 * const client = axios.create({ baseURL, adapter: guardAxios(resilience.service('fred')) })
 * await polygon.getLastStocksQuote('AAPL', { adapter: guardAxios(resilience.service('polygon')) }) // an SDK
 */
export function guardAxios(service: GuardedBy, options: GuardAxiosOptions = {}): AxiosAdapter {
  checkOptions('guardAxios', options, { ...GUARD_RULES, adapter: ADAPTER_RULE })
  const { adapter = ['xhr', 'http', 'fetch'] } = options
  return async (config) => await new AxiosCall(getAdapter(adapter, config), service, options, config).answer()
}

/** What axios made of an answer with a status of 400 or more: an answer or, mostly, an error. */
class RefusedByAxios extends AnswerError {
  readonly answer: AxiosResponse
  readonly error: unknown

  constructor(answer: AxiosResponse, error: unknown, retryable: boolean) {
    super(answer.status, answer.headers, retryable)
    this.answer = answer
    this.error = error
  }

  handOut(): AxiosResponse {
    if (this.error !== undefined) throw this.error
    return this.answer
  }

  /** Another attempt follows: an answer that is a stream is not read by anybody. */
  discard(): void {
    const destroy: unknown = isStream(this.answer.data) ? Reflect.get(this.answer.data, 'destroy') : undefined
    if (typeof destroy === 'function') Reflect.apply(destroy, this.answer.data, [])
  }
}

/** One request, with all its attempts. */
class AxiosCall {
  readonly #adapter: AxiosAdapter
  readonly #service: GuardedBy
  readonly #config: InternalAxiosRequestConfig
  readonly #call: OutgoingCall
  readonly #cancellation: Cancellation
  #wasBodyRead = false
  #refused: RefusedByAxios | undefined

  constructor(adapter: AxiosAdapter, service: GuardedBy, options: GuardOptions, config: InternalAxiosRequestConfig) {
    const { method = 'get', headers } = config
    this.#adapter = adapter
    this.#service = service
    this.#config = config
    this.#cancellation = new Cancellation(config)
    this.#call = new OutgoingCall(options, {
      method: method.toUpperCase(),
      url: () => `${config.baseURL ?? ''}${config.url ?? ''}`,
      hasKey: () => headers.has(IDEMPOTENCY_KEY),
      signal: this.#cancellation.signal,
    })
  }

  async answer(): Promise<AxiosResponse> {
    try {
      return await this.#service.execute(this.#attempt, this.#call)
    } catch (error) {
      const last = lastError(error)
      if (last instanceof RefusedByAxios) return last.handOut()
      const { signal } = this.#call
      if (signal?.aborted) throw isCancel(signal.reason) ? signal.reason : new CanceledError(undefined, this.#config)
      throw error
    } finally {
      this.#cancellation.release()
    }
  }

  readonly #attempt = async ({ signal }: Call): Promise<AxiosResponse> => {
    this.#refused?.discard()
    const { data, headers } = this.#config
    const { idempotencyKey } = this.#call
    if (isStream(data)) this.#readBody()
    const own = idempotencyKey === undefined ? headers : headers.concat({ [IDEMPOTENCY_KEY]: idempotencyKey })
    try {
      const answer = await this.#adapter({ ...this.#config, headers: own, signal, cancelToken: undefined })
      if (answer.status < FIRST_FAILED_STATUS) return this.#learn(answer)
      throw this.#refuse(answer, undefined)
    } catch (error) {
      if (isAxiosError(error) && error.response !== undefined) throw this.#refuse(error.response, error)
      throw error
    }
  }

  #learn(answer: AxiosResponse): AxiosResponse {
    this.#service.rateLimiter?.learnFrom(answer)
    return answer
  }

  #refuse(answer: AxiosResponse, error: unknown): RefusedByAxios {
    this.#refused = new RefusedByAxios(this.#learn(answer), error, !this.#wasBodyRead)
    return this.#refused
  }

  /** axios reads a stream as soon as it has it: what is one can be sent only once. */
  #readBody(): void {
    if (this.#wasBodyRead)
      throw new Error('the data of the request can be read only once, and was; give it as text or bytes')
    this.#wasBodyRead = true
    this.#call.idempotent = false
  }
}

function isStream(data: unknown): data is object {
  return typeof data === 'object' && data !== null && ('pipe' in data || data instanceof ReadableStream)
}
