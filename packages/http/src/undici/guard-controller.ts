import type { Dispatcher } from 'undici'

/** What the handler of a request holds on to: one for all attempts, which leads to the one that is under way. */
export class GuardController implements Dispatcher.DispatchController {
  rawHeaders: Exclude<Dispatcher.DispatchController['rawHeaders'], undefined> = null
  rawTrailers: Exclude<Dispatcher.DispatchController['rawTrailers'], undefined> = null
  readonly #gaveUp = new AbortController()
  #reason: Error | null = null
  #isPaused = false
  #attempt: Dispatcher.DispatchController | undefined

  /** Aborted when the request is given up. */
  get signal(): AbortSignal {
    return this.#gaveUp.signal
  }

  get aborted(): boolean {
    return this.#gaveUp.signal.aborted
  }

  get reason(): Error | null {
    return this.#reason
  }

  get paused(): boolean {
    return this.#isPaused
  }

  /** The attempt whose answer the handler gets. */
  follow(attempt: Dispatcher.DispatchController): void {
    this.#attempt = attempt
    this.rawHeaders = attempt.rawHeaders ?? null
    if (this.#isPaused) attempt.pause()
  }

  pause(): void {
    this.#isPaused = true
    this.#attempt?.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#attempt?.resume()
  }

  abort(reason: Error): void {
    this.#reason ??= reason
    this.#gaveUp.abort(reason)
  }
}
