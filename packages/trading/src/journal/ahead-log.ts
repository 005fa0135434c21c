/** What is on the disk before the database has flushed it. */
import { JournalError } from '../errors.ts'
import { afterThisTurn } from './after-this-turn.ts'
import { AheadFile } from './ahead-file.ts'
import { paddedBytes, putRecord, recordOf } from './ahead-record.ts'
import type { AheadCommand } from './journal-command.ts'

/** How much a log can have: a thousand records of a page. */
const LOG_BYTES = 4 * 1_024 * 1_024

/**
 * Writes commands to a file of its own while the database carries them out without flushing. One write at a time: what comes
 * meanwhile is in the next one, all at once. When the file is full, the database is flushed, and it begins anew.
 */
export class AheadLog {
  readonly #file: AheadFile
  readonly #flushDatabase: () => Promise<unknown>
  readonly #bytes: number
  #at = 0
  #commands: string[] = []
  /** The write that what comes now will be in. */
  #next: Promise<void> | undefined
  /** The write before. Once one has failed nothing that follows can be believed, and all of it fails as well. */
  #last: Promise<void> = Promise.resolve()

  constructor(file: AheadFile, flushDatabase: () => Promise<unknown>, bytes: number = LOG_BYTES) {
    this.#file = file
    this.#flushDatabase = flushDatabase
    this.#bytes = bytes
  }

  /**
   * @param flushDatabase resolves when all that the database was asked to do before is on the disk
   * @throws JournalError when there is no room for it
   */
  static async create(path: string, flushDatabase: () => Promise<unknown>): Promise<AheadLog> {
    try {
      return new AheadLog(await AheadFile.create(path, LOG_BYTES), flushDatabase)
    } catch (error) {
      throw new JournalError(`${path} cannot be made`, { cause: error })
    }
  }

  /** Resolves when it is on the disk, here or in the database, which must have been asked to carry it out already. */
  append(command: AheadCommand): Promise<void> {
    this.#commands.push(JSON.stringify(command))
    if (this.#next === undefined) {
      this.#next = Promise.all([this.#last, afterThisTurn()]).then(() => this.#write())
      this.#next.catch(() => undefined)
    }
    return this.#next
  }

  /** Waits for what is being written. */
  async close(): Promise<void> {
    await Promise.allSettled([this.#last, this.#next])
    await this.#file.close()
  }

  /** Removes its file: the database has been flushed. */
  remove(): Promise<void> {
    return this.#file.remove()
  }

  #write(): Promise<void> {
    const record = recordOf(this.#commands)
    this.#commands = []
    this.#last = this.#next ?? this.#last
    this.#next = undefined
    const bytes = paddedBytes(record)
    if (this.#at + bytes > this.#bytes || bytes > this.#file.buffer.length) return this.#beginAnew()
    putRecord(record, this.#file.buffer)
    const at = this.#at
    this.#at += bytes
    return this.#file.write(bytes, at)
  }

  async #beginAnew(): Promise<void> {
    await this.#flushDatabase()
    this.#at = 0
  }
}
