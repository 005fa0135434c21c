/** Frames of the TWS socket protocol: four bytes of length (big endian), then fields, each ended by a NUL. */

/** The longest message that TWS and its clients take, in bytes. */
export const LONGEST_MESSAGE = 0xff_ffff

/** What a client sends first, before any frame. */
const GREETING = Buffer.from('API\0')

/** Bytes that are no message. */
export class BadFrameError extends Error {
  override readonly name = 'BadFrameError'
  readonly code = 'UPSTREAMS_BAD_FRAME'
}

/** A field that is sent: a number as its digits, true as 1, and nothing as an empty one. */
export type Field = string | number | boolean | null

/** A message as it goes over the wire. */
export function frame(fields: readonly Field[]): Buffer {
  const payload = Buffer.from(fields.map((field) => `${text(field)}\0`).join(''))
  const length = Buffer.alloc(4)
  length.writeInt32BE(payload.length)
  return Buffer.concat([length, payload])
}

function text(field: Field): string {
  if (field === null) return ''
  return typeof field === 'boolean' ? (field ? '1' : '0') : String(field)
}

/** Takes bytes as they come, and gives what is complete: the greeting's versions first, then the fields of each message. */
export class FrameReader {
  #bytes: Buffer = Buffer.alloc(0)
  #greeted = false

  /** @throws BadFrameError when what comes is no greeting, or a length that cannot be meant */
  push(bytes: Buffer): readonly (readonly string[])[] {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
    const messages: (readonly string[])[] = []
    for (let message = this.#next(); message !== undefined; message = this.#next()) messages.push(message)
    return messages
  }

  #next(): readonly string[] | undefined {
    const head = this.#greeted ? 0 : GREETING.length
    const begin = this.#bytes.subarray(0, head)
    if (!GREETING.subarray(0, begin.length).equals(begin) && !this.#greeted) {
      throw new BadFrameError('a client begins with "API" and a NUL')
    }
    if (this.#bytes.length < head + 4) return undefined
    const length = this.#bytes.readInt32BE(head)
    if (length < 1 || length > LONGEST_MESSAGE) {
      throw new BadFrameError(`a message has from 1 to ${LONGEST_MESSAGE} bytes, not ${length}`)
    }
    const end = head + 4 + length
    if (this.#bytes.length < end) return undefined
    const payload = this.#bytes.subarray(head + 4, end).toString()
    this.#bytes = this.#bytes.subarray(end)
    if (this.#greeted) return payload.replace(/\0$/, '').split('\0')
    this.#greeted = true
    return [payload]
  }
}
