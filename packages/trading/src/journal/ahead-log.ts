/** What is on the disk before the database has flushed it. */
import { AccountLostError } from '../errors.ts'
import { afterThisTurn } from './after-this-turn.ts'
import type { AheadFile } from './ahead-file.ts'
import { paddedBytes, putRecord, recordOf } from './ahead-record.ts'
import type { AheadCommand } from './journal-command.ts'

/** What is written at once. */
interface Group {
  readonly commands: string[]
  readonly waiting: { readonly resolve: () => void; readonly reject: (reason: unknown) => void }[]
}

/**
 * Writes commands to a file of its own while the database carries them out without flushing. One write at a time: what comes
 * meanwhile is in the next one, all at once. When the file is full, the database is flushed, and it begins anew.
 */
export class AheadLog {
  readonly #account: string
  readonly #file: AheadFile
  readonly #flushDatabase: () => Promise<unknown>
  #at = 0
  #next: Group = { commands: [], waiting: [] }
  #writing: Promise<void> | undefined
  /** Once a write has failed nothing that follows can be believed. */
  #failure: unknown

  /** @param flushDatabase resolves when all that the database was asked to do before is on the disk */
  constructor(account: string, file: AheadFile, flushDatabase: () => Promise<unknown>) {
    this.#account = account
    this.#file = file
    this.#flushDatabase = flushDatabase
  }

  /** Resolves when it is on the disk, here or in the database, which is asked in the same turn to carry it out. */
  append(command: AheadCommand): Promise<void> {
    const { commands, waiting } = this.#next
    commands.push(JSON.stringify(command))
    if (commands.length === 1 && this.#writing === undefined) {
      afterThisTurn(() => {
        this.#writing = this.#writeAll()
      })
    }
    return new Promise((resolve, reject) => waiting.push({ resolve, reject }))
  }

  /** Waits for what is being written. */
  async close(): Promise<void> {
    await this.#writing
    await this.#file.close()
  }

  /** Removes its file: the database has been flushed. */
  remove(): Promise<void> {
    return this.#file.remove()
  }

  async #writeAll(): Promise<void> {
    while (this.#next.commands.length > 0) {
      const { commands, waiting } = this.#next
      this.#next = { commands: [], waiting: [] }
      try {
        await this.#write(commands)
        for (const { resolve } of waiting) resolve()
      } catch (error) {
        this.#failure = error
        for (const { reject } of waiting) reject(error)
      }
    }
    this.#writing = undefined
  }

  async #write(commands: readonly string[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    const record = recordOf(commands)
    const bytes = paddedBytes(record)
    if (this.#at + bytes > this.#file.bytes || bytes > this.#file.buffer.length) return await this.#beginAnew()
    putRecord(record, this.#file.buffer)
    const at = this.#at
    this.#at += bytes
    await this.#file.write(bytes, at)
    if (!this.#file.isInPlace) throw new AccountLostError(this.#account)
  }

  async #beginAnew(): Promise<void> {
    await this.#flushDatabase()
    this.#at = 0
  }
}
