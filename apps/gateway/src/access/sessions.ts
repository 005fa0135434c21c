/** Sessions of the page. They outlive the gateway; the tokens against forgery do not. */
import type { DatabaseSync } from 'node:sqlite'
import type { Clock } from 'holdfast'
import { numberIn, textIn } from '../state/rows.ts'
import { hashOf, makeToken, type Principal, type TokenBook } from './tokens.ts'

/** How long a session lasts, in milliseconds. */
export const SESSION_MS = 12 * 3_600_000

/** How many sessions one name has at most; the oldest make room. */
const MOST_SESSIONS = 20

/** How long a token against forgery is good, in milliseconds, and how many of a session's are good at a time. */
const CSRF_MS = 600_000
const MOST_CSRF_TOKENS = 8

/** The table, kept in the file of the control. */
export const SESSION_SCHEMA = `
  CREATE TABLE IF NOT EXISTS session (
    hash TEXT PRIMARY KEY, name TEXT NOT NULL, fingerprint TEXT NOT NULL, began INTEGER NOT NULL, ends INTEGER NOT NULL
  ) WITHOUT ROWID;`

/** Sessions by the value of their cookie, of which only the hash is kept. */
export class Sessions {
  readonly #database: DatabaseSync
  readonly #tokens: TokenBook
  readonly #clock: Clock
  /** By hash of the session: its tokens against forgery, and when each ends on the monotonic scale. */
  readonly #csrf = new Map<string, Map<string, number>>()

  constructor(database: DatabaseSync, tokens: TokenBook, clock: Clock) {
    this.#database = database
    this.#tokens = tokens
    this.#clock = clock
  }

  /** Begins a session. @returns the value of its cookie; undefined when the name is not known (any more) */
  begin(name: string): string | undefined {
    const principal = this.#tokens.named(name)
    if (principal === undefined) return undefined
    const value = makeToken()
    const now = this.#clock.wallTime()
    this.#database.prepare('DELETE FROM session WHERE ends <= ?').run(now)
    this.#database
      .prepare('INSERT INTO session (hash, name, fingerprint, began, ends) VALUES (?, ?, ?, ?, ?)')
      .run(keyOf(value), name, principal.fingerprint, now, now + SESSION_MS)
    this.#database
      .prepare(
        `DELETE FROM session WHERE name = ? AND hash NOT IN
           (SELECT hash FROM session WHERE name = ? ORDER BY began DESC, hash LIMIT ${MOST_SESSIONS})`,
      )
      .run(name, name)
    return value
  }

  /** Whose session it is, by the roles of today; undefined when it is over, or its token was changed since. */
  principalOf(value: string): Principal | undefined {
    const row = this.#database.prepare('SELECT name, fingerprint, ends FROM session WHERE hash = ?').get(keyOf(value))
    if (row === undefined || numberIn(row, 'ends') <= this.#clock.wallTime()) return undefined
    const principal = this.#tokens.named(textIn(row, 'name'))
    if (principal === undefined || principal.fingerprint !== textIn(row, 'fingerprint')) return undefined
    return { name: principal.name, role: principal.role }
  }

  /** Ends a session, and what was issued for it. */
  end(value: string): void {
    this.#database.prepare('DELETE FROM session WHERE hash = ?').run(keyOf(value))
    this.#csrf.delete(keyOf(value))
  }

  /** A token against forgery, good for one act of this session. */
  issueCsrf(value: string): string {
    const key = keyOf(value)
    const issued = this.#csrf.get(key) ?? new Map<string, number>()
    if (issued.size >= MOST_CSRF_TOKENS) issued.delete([...issued.keys()][0] ?? '')
    const token = makeToken()
    issued.set(token, this.#clock.now() + CSRF_MS)
    this.#csrf.set(key, issued)
    if (this.#csrf.size > 1_000) this.#csrf.delete([...this.#csrf.keys()][0] ?? '')
    return token
  }

  /** Takes a token back: true once for each that was issued to this very session, while it is good. */
  redeemCsrf(value: string, token: string): boolean {
    const issued = this.#csrf.get(keyOf(value))
    const ends = issued?.get(token)
    issued?.delete(token)
    return ends !== undefined && this.#clock.now() < ends
  }
}

function keyOf(value: string): string {
  return hashOf(value).toString('hex')
}
