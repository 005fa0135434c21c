/** Small helpers of the tests. */

/** A promise that the test settles when it likes. */
export function deferred<T = void>(): {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (reason: unknown) => void
} {
  return Promise.withResolvers<T>()
}

/** A network error with a code, as Node makes them. */
export function networkError(code: string): Error {
  return Object.assign(new Error(`connect ${code}`), { code })
}

/** An error with an HTTP status, as SDKs make them. */
export function statusError(status: number, retryAfterMs?: number): Error {
  return Object.assign(new Error(`status ${status}`), {
    status,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })
}

/** A 503 whose `Retry-After` header shows that the server turned the request away. */
export function turnedAway(): Error {
  return Object.assign(statusError(503), { response: { headers: { 'retry-after': '1' } } })
}

/** What a promise rejects with; a failure of the test when it does not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('it was to reject, and resolved')
}

/** Collects what hooks report instead of writing it to the console. */
export function collectReports(): {
  readonly reports: [unknown, string][]
  readonly onHookError: (error: unknown, where: string) => void
} {
  const reports: [unknown, string][] = []
  return { reports, onHookError: (error, where) => reports.push([error, where]) }
}
