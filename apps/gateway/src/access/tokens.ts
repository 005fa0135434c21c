/** Who may do what: tokens from the configuration, known by their hashes only. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Role } from '@holdfast/console/api'

/** Somebody whom the configuration knows. */
export interface Principal {
  readonly name: string
  readonly role: Role
}

/** A token of the configuration is not written as it should be. */
export class InvalidTokenEntryError extends Error {
  override readonly name = 'InvalidTokenEntryError'
  readonly code = 'GATEWAY_INVALID_TOKEN_ENTRY'
}

interface Entry extends Principal {
  readonly hash: Buffer
}

const ENTRY = /^([A-Za-z0-9._-]{1,40}):(viewer|operator|admin):([0-9a-f]{64})$/

const RANK: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, admin: 2 }

/** The longest token that is looked at. */
const LONGEST_TOKEN = 200

/** Whether who has one role may do what asks for another. */
export function mayActAs(role: Role, needed: Role): boolean {
  return RANK[role] >= RANK[needed]
}

/** A token that nobody guesses: 256 bits of chance. */
export function makeToken(): string {
  return randomBytes(32).toString('base64url')
}

/** The entry of the configuration for a token: `alice:operator:<sha256 of the token>`. */
export function tokenEntry({ name, role }: Principal, token: string): string {
  return `${name}:${role}:${hashOf(token).toString('hex')}`
}

/** The SHA-256 of a token. Tokens are 256 bits of chance, so that a slow hash would add nothing. */
export function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

/** The tokens that are good. */
export class TokenBook {
  readonly #entries: readonly Entry[]

  /**
   * @param entries as {@link tokenEntry} writes them, apart by white space or commas
   * @throws InvalidTokenEntryError that shows the entry's beginning and the rule
   */
  constructor(entries: string) {
    this.#entries = entries
      .split(/[\s,]+/)
      .filter((text) => text !== '')
      .map(readEntry)
    const names = this.#entries.map(({ name }) => name)
    const twice = names.find((name, index) => names.indexOf(name) !== index)
    if (twice !== undefined) throw new InvalidTokenEntryError(`${twice} has two tokens; give each its own name`)
  }

  /** Whether there is anybody. */
  get isEmpty(): boolean {
    return this.#entries.length === 0
  }

  /** Whose token it is. Takes the same time whoever it is, and whether or not it is anybody's. */
  identify(token: string): Principal | undefined {
    if (token.length > LONGEST_TOKEN) return undefined
    const hash = hashOf(token)
    let found: Entry | undefined
    for (const entry of this.#entries) {
      if (timingSafeEqual(entry.hash, hash)) found = entry
    }
    return found === undefined ? undefined : { name: found.name, role: found.role }
  }

  /** Who has that name now, with what shows whether the token has been changed. */
  named(name: string): (Principal & { readonly fingerprint: string }) | undefined {
    const entry = this.#entries.find((candidate) => candidate.name === name)
    if (entry === undefined) return undefined
    return { name: entry.name, role: entry.role, fingerprint: entry.hash.toString('hex').slice(0, 16) }
  }
}

function readEntry(text: string): Entry {
  const [, name, role, hash] = ENTRY.exec(text) ?? []
  if (name !== undefined && hash !== undefined && (role === 'viewer' || role === 'operator' || role === 'admin')) {
    return { name, role, hash: Buffer.from(hash, 'hex') }
  }
  const rule = 'it must be name:role:sha256, role being viewer, operator or admin; npm run token writes one'
  throw new InvalidTokenEntryError(`an entry that begins with ${JSON.stringify(text.slice(0, 20))}: ${rule}`)
}
