/** The journal's file: an SQLite database with a write-ahead log. Blocks; so it lives in a thread of its own. */
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { AccountLostError, JournalError } from '../errors.ts'
import { aheadPath, removeTakenLog, takeLog } from './ahead-path.ts'
import { commandsAfter } from './ahead-record.ts'
import type { AheadCommand, JournalAnswers, JournalCommand, JournalReply, Owner, Ownership } from './journal-command.ts'
import { entryAfter, isSettled, type JournalEntry } from './journal-entry.ts'
import type { KillSwitchState } from './order-journal.ts'

/** Version of the tables. */
const VERSION = 2

/** How long another process may hold the file while it writes, in milliseconds. */
const BUSY_MS = 5_000

/** Those that are not settled have a table of their own, a small one: what an order waits for then touches two pages. */
const INTENT = `
    account TEXT NOT NULL, client_order_id TEXT NOT NULL, intended_at INTEGER NOT NULL, entry TEXT NOT NULL,
    PRIMARY KEY (account, client_order_id)
`

/** Few, and whoever owns the account next must know them without reading all that was ever settled. */
const IS_DENIED = "json_extract(entry, '$.isDenied')"

const TABLES = `
  CREATE TABLE IF NOT EXISTS accounts (
    account TEXT PRIMARY KEY, epoch INTEGER NOT NULL, owner TEXT, beats INTEGER NOT NULL,
    last_number INTEGER NOT NULL, kill_switch TEXT NOT NULL, written INTEGER NOT NULL DEFAULT 0
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, account TEXT NOT NULL, client_order_id TEXT NOT NULL,
    type TEXT NOT NULL, event TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS unsettled (${INTENT}) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS settled (${INTENT}) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS denied ON settled (account) WHERE ${IS_DENIED};
`

/** Up to which number of the owner's log ahead the tables have everything. */
const SINCE_VERSION_1 = 'ALTER TABLE accounts ADD COLUMN written INTEGER NOT NULL DEFAULT 0;'

/** After how many transactions what is in the write-ahead log goes into the database. */
const CHECKPOINT_AFTER = 250

const RELEASED: KillSwitchState = { engaged: false, by: null, reason: null, at: null }

const READS: ReadonlySet<JournalCommand['type']> = new Set(['find', 'unsettled', 'killSwitch'])

/** What stands in no log ahead, and must be on the disk. */
const FLUSHED: ReadonlySet<JournalCommand['type']> = new Set(['claim', 'flush', 'release', 'prune'])

/** An entry as it was in the file, and as it is now. */
interface Change {
  readonly before: JournalEntry | undefined
  readonly now: JournalEntry
}

export class JournalStore {
  readonly #path: string
  readonly #database: DatabaseSync
  readonly #isAlive: (owner: Owner) => boolean | undefined
  readonly #statements = new Map<string, StatementSync>()
  /** Within a transaction: entries that were changed, written once at its end, as are numbers, and owners, which cannot change meanwhile. */
  readonly #changed = new Map<string, Change>()
  readonly #numbers = new Map<string, number>()
  readonly #owned = new Map<string, { readonly epoch: number; readonly written: number }>()
  /** Logs of former owners, which can go once what they have is on the disk. */
  readonly #taken: string[] = []
  #isFlushing = true
  #transactions = 0
  #failure: string | undefined

  /**
   * @param isAlive whether a process still runs; undefined when that cannot be told from here
   * @throws JournalError when the file is none of ours, or of a newer version
   */
  constructor(path: string, isAlive: (owner: Owner) => boolean | undefined) {
    this.#path = path
    this.#isAlive = isAlive
    this.#database = new DatabaseSync(path, { timeout: BUSY_MS })
    // FULL: what was said to be written is on the disk, also when the power goes. Checkpoints are made by tidy().
    this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0')
    const found = Number(this.#database.prepare('PRAGMA user_version').get()?.user_version)
    if (found > VERSION) throw new JournalError(`${path} was written by a newer version (${found}); use that one`)
    const tables = found === 1 ? TABLES + SINCE_VERSION_1 : TABLES
    if (found < VERSION) this.#database.exec(`BEGIN IMMEDIATE; ${tables} PRAGMA user_version = ${VERSION}; COMMIT`)
  }

  /**
   * Runs commands in order, in one transaction. It is flushed where one of them must be on the disk and stands in no log
   * ahead; and with it is what was not flushed before.
   */
  run(commands: readonly JournalCommand[]): JournalReply[] {
    if (this.#failure !== undefined) return this.#storageFailure(commands, this.#failure)
    const writes = commands.some(({ type }) => !READS.has(type))
    try {
      if (writes) this.#begin(commands.some(({ type }) => FLUSHED.has(type)))
      const replies = commands.map((command) => this.#reply(command))
      this.#writeEntries()
      this.#writeNumbers()
      if (writes) this.#commit()
      return replies
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      this.#taken.length = 0
      return this.#storageFailure(commands, error instanceof Error ? error.message : String(error))
    } finally {
      for (const transient of [this.#changed, this.#numbers, this.#owned]) transient.clear()
    }
  }

  /**
   * Brings the write-ahead log into the database now and then; nobody waits for it. SQLite would do so by itself, and not say
   * when the disk fails at it: then what was not flushed cannot be believed any more, and nothing is.
   */
  tidy(): void {
    for (const path of this.#taken.splice(0)) removeTakenLog(path)
    if (this.#transactions < CHECKPOINT_AFTER || this.#failure !== undefined) return
    this.#transactions = 0
    try {
      this.#statement('PRAGMA wal_checkpoint(PASSIVE)').all()
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error)
    }
  }

  close(): void {
    this.#database.close()
  }

  #begin(mustFlush: boolean): void {
    if (mustFlush !== this.#isFlushing) this.#database.exec(`PRAGMA synchronous = ${mustFlush ? 'FULL' : 'NORMAL'}`)
    this.#isFlushing = mustFlush
    this.#execute('BEGIN IMMEDIATE')
  }

  #commit(): void {
    this.#execute('COMMIT')
    this.#transactions++
  }

  #storageFailure(commands: readonly JournalCommand[], reason: string): JournalReply[] {
    return commands.map(() => ({ failure: 'storage', message: `the journal cannot be written: ${reason}` }))
  }

  #reply(command: JournalCommand): JournalReply {
    try {
      return { answer: this.#answer(command) }
    } catch (error) {
      // These are found before anything is written; all else ends the whole transaction.
      if (error instanceof AccountLostError) return { failure: 'lost', message: error.message }
      if (error instanceof JournalError) return { failure: 'conflict', message: error.message }
      throw error
    }
  }

  #answer(command: JournalCommand): JournalAnswers[keyof JournalAnswers] {
    const { type } = command
    switch (type) {
      case 'claim':
        return this.#claim(command)
      case 'flush':
        if (this.#writtenOf(command.account) !== command.number) throw new AccountLostError(command.account)
        return this.#beat(command)
      case 'beat':
        return this.#beat(command)
      case 'release':
        return this.#release(command)
      case 'note':
        return this.#note(command)
      case 'takeNumber':
        return this.#takeNumber(command)
      case 'setKillSwitch': {
        this.#checkNumbered(command)
        const state = JSON.stringify(command.state)
        this.#execute('UPDATE accounts SET kill_switch = ? WHERE account = ?', state, command.account)
        return null
      }
      case 'killSwitch': {
        const row = this.#row('SELECT kill_switch FROM accounts WHERE account = ?', command.account)
        return row === undefined ? RELEASED : JSON.parse(String(row.kill_switch))
      }
      case 'unsettled':
        this.#writeEntries()
        return this.#statement(
          `SELECT intended_at, entry FROM unsettled WHERE account = ?1
           UNION ALL SELECT intended_at, entry FROM settled WHERE account = ?1 AND ${IS_DENIED} ORDER BY intended_at`,
        )
          .all(command.account)
          .map((row): JournalEntry => JSON.parse(String(row.entry)))
      case 'find':
        return this.#find(command.account, command.clientOrderId) ?? null
      case 'prune':
        return this.#prune(command.before)
    }
  }

  #beat(command: { readonly account: string; readonly epoch: number }): null {
    this.#checkOwned(command)
    this.#execute('UPDATE accounts SET beats = beats + 1 WHERE account = ?', command.account)
    return null
  }

  #release({ account, epoch, number }: Extract<JournalCommand, { type: 'flush' | 'release' }>): boolean {
    this.#execute('UPDATE accounts SET owner = NULL WHERE account = ? AND epoch = ?', account, epoch)
    return this.#ownerOf(account).epoch === epoch && this.#writtenOf(account) === number
  }

  #claim({ account, owner, beats }: Extract<JournalCommand, { type: 'claim' }>): JournalAnswers['claim'] {
    const now = this.#ownership(account)
    const isFree = now.owner === null || this.#isAlive(now.owner) === false || now.beats === beats
    if (!isFree) return { isTaken: true, now }
    this.#catchUp(account, now.epoch)
    const epoch = now.epoch + 1
    this.#owned.set(account, { epoch, written: 0 })
    this.#execute(
      `INSERT INTO accounts (account, epoch, owner, beats, last_number, kill_switch) VALUES (?, ?, ?, 0, 0, ?)
       ON CONFLICT (account) DO UPDATE
       SET epoch = excluded.epoch, owner = excluded.owner, beats = beats + 1, written = 0`,
      account,
      epoch,
      JSON.stringify(owner),
      JSON.stringify(RELEASED),
    )
    return { isTaken: false, now: { epoch, owner, beats: now.beats + 1 } }
  }

  /** Carries out what the former owner was told is written, and a power cut has taken from the database. */
  #catchUp(account: string, epoch: number): void {
    const written = this.#writtenOf(account)
    const path = aheadPath(this.#path, account, epoch)
    const missing = commandsAfter(written, takeLog(path))
    this.#taken.push(path)
    // What was refused then is refused again.
    for (const command of missing) this.#reply(command)
    this.#numbers.delete(account)
  }

  #ownership(account: string): Ownership {
    const row = this.#row('SELECT epoch, owner, beats FROM accounts WHERE account = ?', account)
    if (row === undefined) return { epoch: 0, owner: null, beats: 0 }
    const owner: Owner | null = row.owner === null ? null : JSON.parse(String(row.owner))
    return { epoch: Number(row.epoch), owner, beats: Number(row.beats) }
  }

  /** Every write asks, in its own transaction: a process that was asleep while another took over writes nothing. */
  #checkOwned({ account, epoch }: { readonly account: string; readonly epoch: number }): void {
    if (this.#ownerOf(account).epoch !== epoch) throw new AccountLostError(account)
  }

  #ownerOf(account: string): { readonly epoch: number; readonly written: number } {
    const known = this.#owned.get(account)
    if (known !== undefined) return known
    const row = this.#row('SELECT epoch, written FROM accounts WHERE account = ?', account)
    const found = { epoch: Number(row?.epoch ?? 0), written: Number(row?.written ?? 0) }
    this.#owned.set(account, found)
    return found
  }

  /** Up to which number of its owner the tables have everything, this transaction included. */
  #writtenOf(account: string): number {
    return this.#numbers.get(account) ?? this.#ownerOf(account).written
  }

  /**
   * As {@link JournalStore.#checkOwned}; and its number counts as written. Where those before it are not, for a transaction
   * has failed, neither is it: whoever takes the account over would take them for written, and not look into the log ahead.
   */
  #checkNumbered(command: AheadCommand): void {
    const { account, number } = command
    this.#checkOwned(command)
    if (number !== this.#writtenOf(account) + 1) throw new AccountLostError(account)
    this.#numbers.set(account, number)
  }

  #writeNumbers(): void {
    for (const [account, number] of this.#numbers) {
      this.#execute('UPDATE accounts SET written = ? WHERE account = ?', number, account)
    }
  }

  #note(command: Extract<JournalCommand, { type: 'note' }>): null {
    this.#checkNumbered(command)
    const { account, event } = command
    const { clientOrderId, at, type } = event
    const key = keyOf(account, clientOrderId)
    const changed = this.#changed.get(key)
    const known = changed === undefined ? this.#find(account, clientOrderId) : changed.now
    const now = entryAfter(account, known, event)
    this.#execute(
      'INSERT INTO events (at, account, client_order_id, type, event) VALUES (?, ?, ?, ?, ?)',
      at,
      account,
      clientOrderId,
      type,
      JSON.stringify(event),
    )
    this.#changed.set(key, { before: changed === undefined ? known : changed.before, now })
    return null
  }

  #writeEntries(): void {
    for (const { before, now } of this.#changed.values()) {
      const { account, clientOrderId, intendedAt } = now
      const table = isSettled(now) ? 'settled' : 'unsettled'
      this.#execute(
        `INSERT INTO ${table} (account, client_order_id, intended_at, entry) VALUES (?, ?, ?, ?)
         ON CONFLICT (account, client_order_id) DO UPDATE SET intended_at = excluded.intended_at, entry = excluded.entry`,
        account,
        clientOrderId,
        intendedAt,
        JSON.stringify(now),
      )
      if (before === undefined || isSettled(before) === isSettled(now)) continue
      const other = isSettled(now) ? 'unsettled' : 'settled'
      this.#execute(`DELETE FROM ${other} WHERE account = ? AND client_order_id = ?`, account, clientOrderId)
    }
    this.#changed.clear()
  }

  #find(account: string, clientOrderId: string): JournalEntry | undefined {
    const changed = this.#changed.get(keyOf(account, clientOrderId))
    if (changed !== undefined) return changed.now
    const row = this.#row(
      `SELECT entry FROM unsettled WHERE account = ?1 AND client_order_id = ?2
       UNION ALL SELECT entry FROM settled WHERE account = ?1 AND client_order_id = ?2`,
      account,
      clientOrderId,
    )
    return row === undefined ? undefined : JSON.parse(String(row.entry))
  }

  #takeNumber(command: Extract<JournalCommand, { type: 'takeNumber' }>): number {
    this.#checkNumbered(command)
    const { account, atLeast } = command
    const row = this.#row(
      'UPDATE accounts SET last_number = MAX(last_number + 1, ?) WHERE account = ? RETURNING last_number',
      atLeast,
      account,
    )
    return Number(row?.last_number)
  }

  /** Forgets what was settled before that time. @returns how many intents */
  #prune(before: number): number {
    this.#writeEntries()
    const { changes } = this.#execute('DELETE FROM settled WHERE intended_at < ?', before)
    if (Number(changes) > 0) {
      const known = (table: string): string =>
        `SELECT 1 FROM ${table} AS i WHERE i.account = events.account AND i.client_order_id = events.client_order_id`
      this.#execute(
        `DELETE FROM events WHERE at < ? AND NOT EXISTS (${known('unsettled')}) AND NOT EXISTS (${known('settled')})`,
        before,
      )
    }
    return Number(changes)
  }

  #row(sql: string, ...values: (string | number)[]): Record<string, unknown> | undefined {
    return this.#statement(sql).get(...values)
  }

  #execute(sql: string, ...values: (string | number)[]): { readonly changes: number | bigint } {
    return this.#statement(sql).run(...values)
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const statement = this.#database.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }
}

function keyOf(account: string, clientOrderId: string): string {
  return `${account} ${clientOrderId}`
}
