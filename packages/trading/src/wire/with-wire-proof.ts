import { NeverSentError } from '../errors.ts'
import { WireAttempt } from './wire-attempt.ts'

/**
 * Makes one attempt, and turns its failure into a {@link NeverSentError} where the wire proves that nothing left.
 *
 * @param send is given the headers that its request must carry, and makes one request
 * @param halt once it is aborted, a request that has not left does not leave any more; one that has left goes on
 * @example
 * const order = await withWireProof((headers) => fetch(url, { method: 'POST', body, headers: { ...headers }, signal }))
 */
export async function withWireProof<T>(
  send: (headers: WireAttempt['headers']) => Promise<T>,
  halt?: AbortSignal,
): Promise<T> {
  if (halt?.aborted) throw new NeverSentError(halt.reason)
  const attempt = new WireAttempt()
  let hold = (): void => undefined
  try {
    return await new Promise<T>((resolve, reject) => {
      hold = () => {
        if (attempt.hold() === 'never-sent') reject(halt?.reason)
      }
      halt?.addEventListener('abort', hold)
      send(attempt.headers).then(resolve, reject)
    })
  } catch (error) {
    throw attempt.evidence() === 'never-sent' ? new NeverSentError(error) : error
  } finally {
    halt?.removeEventListener('abort', hold)
    attempt.end()
  }
}
