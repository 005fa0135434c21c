/** The file of a log that is written ahead of the database: it has its size from the beginning, and a write that ends is on the disk. */
import { Buffer } from 'node:buffer'
import { constants, existsSync, fdatasync, write } from 'node:fs'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { JournalError } from '../errors.ts'
import { PAGE_BYTES } from './ahead-record.ts'

/** Systems that lack one (Windows, macOS) have no such constant, whatever the types say. */
const { O_RDWR, O_DSYNC = 0, O_DIRECT = 0 }: { O_RDWR: number; O_DSYNC?: number; O_DIRECT?: number } = constants

/** How much a log can have: a thousand records of a page. */
const FILE_BYTES = 4 * 1_024 * 1_024

/** How many bytes can be written at once. A multiple of 64 KB, in which memory for it is counted. */
const BUFFER_BYTES = 256 * 1_024

export class AheadFile {
  /** What {@link AheadFile.write} writes from. */
  readonly buffer: Buffer
  /** How much it can have. */
  readonly bytes: number
  readonly #path: string
  readonly #handle: FileHandle

  private constructor(path: string, bytes: number, handle: FileHandle, buffer: Buffer) {
    this.bytes = bytes
    this.#path = path
    this.#handle = handle
    this.buffer = buffer
  }

  /**
   * Makes a file of spaces, which a later write only writes over: then there is nothing but its pages to flush.
   *
   * @throws JournalError when there is no room for it
   */
  static async create(path: string, bytes: number = FILE_BYTES): Promise<AheadFile> {
    try {
      await makeFile(path, bytes)
      const buffer = pageAligned()
      return new AheadFile(path, bytes, await openForWriting(path, buffer), buffer)
    } catch (error) {
      throw new JournalError(`${path} cannot be made`, { cause: error })
    }
  }

  /** Writes from the beginning of the buffer. Resolves when it is on the disk. */
  write(bytes: number, at: number): Promise<void> {
    const { fd } = this.#handle
    return new Promise((resolve, reject) => {
      write(fd, this.buffer, 0, bytes, at, (error, written) => {
        if (error !== null) reject(error)
        else if (written !== bytes) reject(new JournalError(`only ${written} of ${bytes} bytes could be written`))
        else if (O_DSYNC === 0) fdatasync(fd, (failed) => (failed === null ? resolve() : reject(failed)))
        else resolve()
      })
    })
  }

  /** Whether nobody has taken it away: whoever takes the account over does that before he reads it. */
  get isInPlace(): boolean {
    return existsSync(this.#path)
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true })
  }
}

async function makeFile(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'w')
  try {
    await file.writeFile(Buffer.alloc(bytes, ' '))
    await file.sync()
  } finally {
    await file.close()
  }
  await syncFolder(dirname(path))
}

/**
 * Past the cache where the file system can: the kernel then needs none of its own threads to write and to flush, which takes
 * a quarter off. Where it cannot (a file system in memory, macOS), through the cache.
 */
async function openForWriting(path: string, buffer: Buffer): Promise<FileHandle> {
  try {
    return await openTried(path, O_RDWR | O_DSYNC | O_DIRECT, buffer)
  } catch {
    return await openTried(path, O_RDWR | O_DSYNC, buffer)
  }
}

/** Opened, and tried out: some file systems refuse only the write. */
async function openTried(path: string, flags: number, buffer: Buffer): Promise<FileHandle> {
  const handle = await open(path, flags)
  try {
    await handle.write(buffer, 0, PAGE_BYTES, 0)
  } catch (error) {
    await handle.close()
    throw error
  }
  return handle
}

/** What goes past the cache must lie on a page of memory, which is where this kind of memory begins. */
function pageAligned(): Buffer {
  const pages = BUFFER_BYTES / 65_536
  return Buffer.from(new WebAssembly.Memory({ initial: pages, maximum: pages }).buffer).fill(' ')
}

/** A new file is only there after a power cut when its folder was flushed. */
async function syncFolder(path: string): Promise<void> {
  let folder: FileHandle
  try {
    folder = await open(path, 'r')
  } catch {
    // Windows opens no folders, and needs none of this.
    return
  }
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
