/** What the caller holds. */

/**
 * The answer to one call. A call that nothing can end early needs no promise of its own: what the handlers of its attempt
 * return or throw is the answer, at the cost of one `then`. As soon as something else may end it, or it has to wait, it
 * is given a promise.
 */
export class Answer {
  /** The call's own promise, if it has one. */
  promise: Promise<unknown> | undefined = undefined
  #resolve: (value: unknown) => void = unsettled
  #reject: (reason: unknown) => void = unsettled

  /** Gives the call a promise of its own. */
  defer(): Promise<unknown> {
    if (this.promise === undefined) this.promise = new Promise(this.#capture)
    return this.promise
  }

  /** For a handler: answers with a value. @returns what the handler returns */
  resolve(value: unknown): unknown {
    if (this.promise === undefined) return value
    this.#resolve(value)
    return undefined
  }

  /** For a handler: answers with an error. @throws it, where the call has no promise of its own */
  reject(error: unknown): undefined {
    if (this.promise === undefined) throw error
    this.#reject(error)
  }

  /** For a handler: the answer comes later. @returns what the handler returns */
  postpone(): unknown {
    return this.promise === undefined ? this.defer() : undefined
  }

  /** Forgets the promise, which has been settled. */
  clear(): void {
    if (this.promise === undefined) return
    this.promise = undefined
    this.#resolve = unsettled
    this.#reject = unsettled
  }

  /** Made once, because the answer is used for one call after the other. */
  readonly #capture = (resolve: (value: unknown) => void, reject: (reason: unknown) => void): void => {
    this.#resolve = resolve
    this.#reject = reject
  }
}

function unsettled(): void {}

const settled = Promise.resolve()

/**
 * A promise that is rejected as soon as its receiver has had the chance to listen. One that is rejected from the
 * beginning costs three times as much, because the runtime has to take note that nobody listens yet (bench:
 * `breaker-open`).
 */
export function rejectSoon(error: unknown): Promise<never> {
  return new Promise((_resolve, reject) => {
    void settled.then(() => reject(error))
  })
}
