/** A record of the log that is written ahead of the database: one line of JSON with its checksum, padded to whole pages. */
import { Buffer } from 'node:buffer'
import { crc32 } from 'node:zlib'
import { JournalError } from '../errors.ts'
import type { AheadCommand } from './journal-command.ts'

/** What a disk writes as one. A record shares its pages with no other, so that writing the next one cannot damage it. */
export const PAGE_BYTES = 4_096

const SPACE = 0x20
const LINE_FEED = 0x0a
const CHECKSUM_DIGITS = 8

/** How many bytes a record takes. */
export function paddedBytes(record: string): number {
  return Math.ceil(Buffer.byteLength(record) / PAGE_BYTES) * PAGE_BYTES
}

/** @param commands each as JSON */
export function recordOf(commands: readonly string[]): string {
  const body = `[${commands.join(',')}]`
  return `${checksum(body)} ${body}\n`
}

/** Puts a record at the beginning of a buffer that has room for it. */
export function putRecord(record: string, buffer: Buffer): void {
  const end = buffer.write(record)
  buffer.fill(SPACE, end, paddedBytes(record))
}

/**
 * What a log has that the database has not, in the order in which it came. Records that were written over, or only in part,
 * are passed over: nobody was told that what they have is written.
 *
 * @param known the number up to which the database has everything
 * @throws JournalError when something is missing in between, which no crash can do
 */
export function commandsAfter(known: number, log: Buffer): AheadCommand[] {
  const commands: AheadCommand[] = []
  for (let at = 0; at < log.length; ) {
    const body = bodyAt(log, at)
    if (body === undefined) {
      at += PAGE_BYTES
      continue
    }
    const read: readonly AheadCommand[] = JSON.parse(body)
    commands.push(...read.filter(({ number }) => number > known))
    at += paddedBytes(`${checksum(body)} ${body}\n`)
  }
  commands.sort((a, b) => a.number - b.number)
  const gap = commands.findIndex(({ number }, index) => number !== known + 1 + index)
  if (gap < 0) return commands
  throw new JournalError(
    `its log ahead is damaged: it has ${commands[gap]?.number}, and nothing has ${known + 1 + gap}; ` +
      'look into the log, and take it away to go on without what it has',
  )
}

function bodyAt(log: Buffer, at: number): string | undefined {
  const end = log.indexOf(LINE_FEED, at)
  if (end < at + CHECKSUM_DIGITS) return undefined
  const body = log.toString('utf8', at + CHECKSUM_DIGITS + 1, end)
  return log.toString('latin1', at, at + CHECKSUM_DIGITS) === checksum(body) ? body : undefined
}

function checksum(body: string): string {
  return crc32(body).toString(16).padStart(CHECKSUM_DIGITS, '0')
}
