/** The client has closed its connection before it had its answer. */
export class CallerGoneError extends Error {
  override readonly name = 'CallerGoneError'
  readonly code = 'HTTP_CALLER_GONE'

  constructor() {
    super('the client has hung up before it had its answer')
  }
}

/** The time that the client gave has passed: nobody waits for the answer any more. */
export class DeadlinePassedError extends Error {
  override readonly name = 'DeadlinePassedError'
  readonly code = 'HTTP_DEADLINE_PASSED'
  /** How long the client wanted to wait, in milliseconds. */
  readonly deadlineMs: number

  constructor(deadlineMs: number) {
    super(`the client waits ${deadlineMs} ms for its answer, and they have passed; give it more, or ask again`)
    this.deadlineMs = deadlineMs
  }
}
