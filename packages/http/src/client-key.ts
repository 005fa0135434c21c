import { createHash } from 'node:crypto'

/** Longer keys are hashed, so that nobody fills the memory with them. */
const LONGEST_KEY = 64

/**
 * Whose tokens a request takes: those of its API key, or of its address. The two cannot be taken for one another.
 *
 * @param apiKey as the request claims it; who may make keys up should be told apart by another `clientKey`
 */
export function clientKeyOf(apiKey: string | undefined, address: string): string {
  if (apiKey === undefined || apiKey === '') return `address:${address}`
  return `key:${apiKey.length <= LONGEST_KEY ? apiKey : createHash('sha256').update(apiKey).digest('base64url')}`
}
