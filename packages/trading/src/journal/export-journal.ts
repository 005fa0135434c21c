import { DatabaseSync } from 'node:sqlite'
import { JournalError } from '../errors.ts'

/** Which part of a journal. */
export interface ExportOptions {
  /** Only what was written after this number, for whoever exports now and then. Default 0: everything. */
  readonly after?: number | undefined
}

/**
 * Everything that a journal has, as JSON lines, oldest first: `seq`, `account`, and the event. The journal may be in use
 * meanwhile; nothing is changed.
 *
 * @throws JournalError when the file is no journal
 * @example
 * for (const line of exportJournal('orders.db')) process.stdout.write(`${line}\n`)
 */
export function* exportJournal(path: string, { after = 0 }: ExportOptions = {}): Generator<string> {
  let database: DatabaseSync
  try {
    database = new DatabaseSync(path, { readOnly: true, timeout: 5_000 })
  } catch (error) {
    throw new JournalError(`${path} cannot be read`, { cause: error })
  }
  try {
    const rows = database.prepare('SELECT seq, account, event FROM events WHERE seq > ? ORDER BY seq').iterate(after)
    for (const { seq, account, event } of rows) {
      yield JSON.stringify({ seq, account, ...JSON.parse(String(event)) })
    }
  } catch (error) {
    throw new JournalError(`${path} is no journal, or it is damaged`, { cause: error })
  } finally {
    database.close()
  }
}
