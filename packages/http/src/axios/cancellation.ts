import type { CancelToken, InternalAxiosRequestConfig } from 'axios'

/** How a caller gives up a request: by its signal, and by the `cancelToken` that axios still takes, as one signal. */
export class Cancellation {
  readonly signal: AbortSignal | undefined
  readonly #token: CancelToken | undefined
  readonly #canceller = new AbortController()

  constructor({ signal, cancelToken }: InternalAxiosRequestConfig) {
    const own = signal instanceof AbortSignal ? signal : undefined
    this.#token = cancelToken
    this.signal = cancelToken === undefined ? own : AbortSignal.any([this.#canceller.signal, ...(own ? [own] : [])])
    cancelToken?.subscribe(this.#cancelled)
  }

  /** The request has ended: a token that serves many must not remember it. */
  release(): void {
    this.#token?.unsubscribe(this.#cancelled)
  }

  readonly #cancelled = (reason: unknown): void => this.#canceller.abort(reason)
}
