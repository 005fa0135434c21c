/** Where the gateway keeps what must outlive it: SQLite files with a write-ahead log, in one folder. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** The folder is in use by another gateway. */
export class StateInUseError extends Error {
  override readonly name = 'StateInUseError'
  readonly code = 'GATEWAY_STATE_IN_USE'
}

/** How a file is kept. */
export interface DatabaseOptions {
  /** The folder; undefined keeps everything in memory. */
  readonly folder: string | undefined
  /** Name of the file, without its ending. */
  readonly name: string
  /** Whether a commit must be on the disk before it counts. */
  readonly durable: boolean
  /** The tables, as statements that may be run again. */
  readonly schema: string
}

/** SQLite's code for a file that another process holds. */
const SQLITE_BUSY = 5

/**
 * Opens a file, making folder and tables where they are missing. One process holds a file at a time.
 *
 * @throws StateInUseError when another gateway holds it
 */
export function openDatabase({ folder, name, durable, schema }: DatabaseOptions): DatabaseSync {
  if (folder !== undefined) mkdirSync(folder, { recursive: true, mode: 0o700 })
  const database = new DatabaseSync(folder === undefined ? ':memory:' : join(folder, `${name}.sqlite`))
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE')
    database.exec('PRAGMA journal_mode = WAL')
    database.exec(`PRAGMA synchronous = ${durable ? 'FULL' : 'NORMAL'}`)
    database.exec(schema)
    return database
  } catch (error) {
    database.close()
    if (!(error instanceof Error) || !('errcode' in error) || error.errcode !== SQLITE_BUSY) throw error
    throw new StateInUseError(`another gateway uses the folder ${folder}; set STATE_FOLDER to another one`, {
      cause: error,
    })
  }
}

/** Runs statements as one: all of them, or none. */
export function transaction(database: DatabaseSync, run: () => void): void {
  database.exec('BEGIN')
  try {
    run()
    database.exec('COMMIT')
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
}
