/** Single flight: identical reads that are under way share one call. */
import { InvalidOptionError } from '../errors.ts'
import { signalRule } from '../options.ts'

/** A call that several callers wait for. */
interface Flight<T> {
  readonly answer: Promise<T>
  readonly controller: AbortController
  /** How many callers still wait. */
  waiting: number
}

/** How one caller waits. */
export interface SingleFlightOptions {
  /** Gives up this caller's wait: it rejects with the signal's reason. The call goes on while somebody else waits for it. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Lets callers who ask for the same thing at the same time share one call. Nothing is kept: when the call has ended, the next
 * caller starts another. For reads only, and for values that nobody changes: all callers get the same one.
 *
 * One caller who gives up does not end the call for the others; when the last one has, the function's signal is aborted.
 *
 * @example
 * const quotes = new SingleFlight<Quote>()
 * const quote = await quotes.run('AAPL', (signal) => provider.getQuote('AAPL', { signal }))
 */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Flight<T>>()

  /** How many calls are under way. */
  get size(): number {
    return this.#flights.size
  }

  /**
   * The answer of the call that is under way for this key, or of a new one.
   *
   * @param key what is asked for; everything that changes the answer must be in it
   * @param fn starts the call; its signal is aborted when nobody waits any more
   * @throws what the function throws; the reason of `signal` when this caller gave up; InvalidOptionError when it is no signal
   */
  run(key: string, fn: (signal: AbortSignal) => T | PromiseLike<T>, options: SingleFlightOptions = {}): Promise<T> {
    const { signal } = options
    if (signal !== undefined && !signalRule.allows(signal)) {
      return Promise.reject(new InvalidOptionError('signal', signal, signalRule.says))
    }
    if (signal?.aborted) return Promise.reject(signal.reason)
    const flight = this.#flights.get(key) ?? this.#start(key, fn)
    flight.waiting++
    return signal === undefined ? flight.answer : this.#wait(key, flight, signal)
  }

  #start(key: string, fn: (signal: AbortSignal) => T | PromiseLike<T>): Flight<T> {
    const controller = new AbortController()
    const answer = new Promise<T>((resolve) => resolve(fn(controller.signal)))
    const flight: Flight<T> = { answer, controller, waiting: 0 }
    this.#flights.set(key, flight)
    const end = (): void => this.#forget(key, flight)
    answer.then(end, end)
    return flight
  }

  #wait(key: string, flight: Flight<T>, signal: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        signal.removeEventListener('abort', giveUp)
        reject(signal.reason)
        if (--flight.waiting > 0) return
        // Whoever comes now gets a call of his own, not one that is being given up.
        this.#forget(key, flight)
        flight.controller.abort(signal.reason)
      }
      signal.addEventListener('abort', giveUp)
      const settled = (): void => signal.removeEventListener('abort', giveUp)
      flight.answer.then(
        (value) => {
          settled()
          resolve(value)
        },
        (error: unknown) => {
          settled()
          reject(error)
        },
      )
    })
  }

  #forget(key: string, flight: Flight<T>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key)
  }
}
