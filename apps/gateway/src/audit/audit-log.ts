/** The audit: every act is in it, on the disk, before it takes effect. Nothing is ever taken out. */
import type { DatabaseSync } from 'node:sqlite'
import type { AuditEntry, AuditView } from '@holdfast/console/api'
import { numberIn, numberOrNull, type Row, textIn, textOrNull } from '../state/rows.ts'

/** The table, kept in the file of the control. */
export const AUDIT_SCHEMA = `
  CREATE TABLE IF NOT EXISTS audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, who TEXT NOT NULL, role TEXT NOT NULL, act TEXT NOT NULL,
    target TEXT NOT NULL, reason TEXT NOT NULL, until INTEGER, before TEXT NOT NULL, after TEXT, outcome TEXT NOT NULL
  );
  CREATE TRIGGER IF NOT EXISTS audit_is_kept BEFORE DELETE ON audit
  BEGIN SELECT RAISE(ABORT, 'the audit is never deleted'); END;
  CREATE TRIGGER IF NOT EXISTS audit_is_true BEFORE UPDATE ON audit
  WHEN OLD.outcome <> 'begun' OR OLD.id <> NEW.id OR OLD.at <> NEW.at OR OLD.who <> NEW.who OR OLD.role <> NEW.role
    OR OLD.act <> NEW.act OR OLD.target <> NEW.target OR OLD.reason <> NEW.reason OR OLD.until IS NOT NEW.until
    OR OLD.before <> NEW.before
  BEGIN SELECT RAISE(ABORT, 'the audit is never changed'); END;`

/** What is known of an act before it is done. */
export type BegunAct = Pick<AuditEntry, 'at' | 'who' | 'role' | 'act' | 'target' | 'reason' | 'until' | 'before'>

/** The acts of people, and those of the gateway on their behalf. */
export class AuditLog {
  readonly #database: DatabaseSync
  readonly #onEntry: (entry: AuditEntry) => void

  /** @param onEntry told of each entry when it is made, and again when it is finished */
  constructor(database: DatabaseSync, onEntry: (entry: AuditEntry) => void) {
    this.#database = database
    this.#onEntry = onEntry
  }

  /** Writes an act down, before it is done. @returns its number */
  begin({ at, who, role, act, target, reason, until, before }: BegunAct): number {
    const { lastInsertRowid } = this.#database
      .prepare(
        `INSERT INTO audit (at, who, role, act, target, reason, until, before, outcome)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'begun')`,
      )
      .run(at, who, role, act, target, reason, until, before)
    return this.#tell(Number(lastInsertRowid)).id
  }

  /** Writes down how it ended. */
  finish(id: number, outcome: 'done' | 'failed', after: string): AuditEntry {
    this.#database.prepare('UPDATE audit SET outcome = ?, after = ? WHERE id = ?').run(outcome, after, id)
    return this.#tell(id)
  }

  /** The newest entries first, at most `limit`, older than the entry `before` if it is given. */
  list({ limit, before }: { readonly limit: number; readonly before?: number | undefined }): AuditView {
    const entries = this.#database
      .prepare('SELECT * FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?')
      .all(before ?? Number.MAX_SAFE_INTEGER, limit)
      .map(entryOf)
    const last = entries.at(-1)
    return { entries, before: entries.length < limit || last === undefined ? null : last.id }
  }

  #tell(id: number): AuditEntry {
    const row = this.#database.prepare('SELECT * FROM audit WHERE id = ?').get(id)
    if (row === undefined) throw new Error(`entry ${id} of the audit is missing`)
    const entry = entryOf(row)
    this.#onEntry(entry)
    return entry
  }
}

function entryOf(row: Row): AuditEntry {
  return {
    id: numberIn(row, 'id'),
    at: numberIn(row, 'at'),
    who: textIn(row, 'who'),
    role: oneOf(['viewer', 'operator', 'admin', 'gateway'] as const, textIn(row, 'role')),
    act: textIn(row, 'act'),
    target: textIn(row, 'target'),
    reason: textIn(row, 'reason'),
    until: numberOrNull(row, 'until'),
    before: textIn(row, 'before'),
    after: textOrNull(row, 'after'),
    outcome: oneOf(['begun', 'done', 'failed'] as const, textIn(row, 'outcome')),
  }
}

function oneOf<Word extends string>(words: readonly Word[], text: string): Word {
  const found = words.find((word) => word === text)
  if (found === undefined)
    throw new TypeError(`the audit has ${JSON.stringify(text)} where it should have a known word`)
  return found
}
