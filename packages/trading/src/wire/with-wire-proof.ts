import { NeverSentError } from '../errors.ts'
import { WireAttempt } from './wire-attempt.ts'

/**
 * Makes one attempt, and turns its failure into a {@link NeverSentError} where the wire proves that nothing left.
 *
 * @param send is given the headers that its request must carry, and makes one request
 * @example
 * const order = await withWireProof((headers) => fetch(url, { method: 'POST', body, headers: { ...headers }, signal }))
 */
export async function withWireProof<T>(send: (headers: WireAttempt['headers']) => Promise<T>): Promise<T> {
  const attempt = new WireAttempt()
  try {
    return await send(attempt.headers)
  } catch (error) {
    throw attempt.evidence() === 'never-sent' ? new NeverSentError(error) : error
  } finally {
    attempt.end()
  }
}
