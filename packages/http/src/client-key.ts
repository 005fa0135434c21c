import { createHash } from 'node:crypto'

/** Longer keys are hashed, so that nobody fills the memory with them. */
const LONGEST_KEY = 64

/** What a request says about who sent it. An empty text counts as absent. */
export interface ClientFacts {
  /** The name that the application itself has for the client: its user, its tenant. */
  readonly user?: string | undefined
  /** The API key that the request carries. Nobody has checked it: who makes keys up gets a limit for each. */
  readonly apiKey?: string | undefined
  /** Where it comes from, as {@link clientAddress} tells. */
  readonly address: string
}

/**
 * Whose tokens a request takes: those of the user that the application names, else of the API key, else of the address.
 * None of the three can be taken for another, and none is longer than 72 characters.
 *
 * @example
 * clientKeyOf({ apiKey: 'desk-7', address: '192.0.2.1' }) // 'key:desk-7'
 */
export function clientKeyOf({ user, apiKey, address }: ClientFacts): string {
  if (user !== undefined && user !== '') return `user:${bounded(user)}`
  if (apiKey !== undefined && apiKey !== '') return `key:${bounded(apiKey)}`
  return `address:${address}`
}

function bounded(key: string): string {
  return key.length <= LONGEST_KEY ? key : `sha256:${createHash('sha256').update(key).digest('base64url')}`
}
