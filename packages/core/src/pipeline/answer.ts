/**
 * A promise of the call's own, for a call that may end at any moment. A call that nothing can end early needs none: what
 * the handlers of its attempt return or throw is the answer, at the cost of one `then`.
 */
export class Answer {
  readonly promise: Promise<unknown>
  resolve: (value: unknown) => void = unsettled
  reject: (reason: unknown) => void = unsettled

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
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
