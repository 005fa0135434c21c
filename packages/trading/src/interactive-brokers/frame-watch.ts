/**
 * Reads along what the SDK's socket receives, and tells of lengths that no message has before the SDK acts on them: of a
 * negative one `@stoqey/ib` 1.6.10 reads the same bytes for ever, and the process stands still.
 */
import { channel } from 'node:diagnostics_channel'
import { Socket } from 'node:net'

/** The longest message that the SDK takes, in bytes. */
const LONGEST_MESSAGE = 0xff_ffff

/** Set, it makes a length negative. */
const SIGN = 0x80

/** The lengths in what one connection receives. */
export class FrameLengths {
  /** How many bytes of the length have been read. */
  #read = 0
  #length = 0
  /** How many bytes of the message are still to come. */
  #left = 0
  #isOver = false

  /**
   * Reads what was received. A length that cannot be is changed in place into one for which the SDK waits in vain.
   *
   * @returns what is wrong with it; undefined as long as nothing is. After that nothing more is read
   */
  read(bytes: Uint8Array): string | undefined {
    for (let at = 0; at < bytes.length && !this.#isOver; ) {
      if (this.#left > 0) {
        const step = Math.min(this.#left, bytes.length - at)
        this.#left -= step
        at += step
        continue
      }
      const byte = bytes[at] ?? 0
      if (this.#read === 0 && byte >= SIGN) {
        // The other three may still be on their way: with the first one alone it is the longest there is.
        bytes[at] = SIGN - 1
        return this.#refuse('a negative length')
      }
      this.#length = this.#length * 256 + byte
      this.#read++
      at++
      if (this.#read < 4) continue
      if (this.#length > LONGEST_MESSAGE) return this.#refuse(`a length of ${this.#length} bytes`)
      this.#left = this.#length
      this.#length = 0
      this.#read = 0
    }
    return undefined
  }

  #refuse(what: string): string {
    this.#isOver = true
    return `TWS announced a message with ${what}, which none has`
  }
}

/**
 * Watches the socket that `connect` makes.
 *
 * @param refused told once, after the SDK has had what came before
 */
export function watchFrames(connect: () => void, refused: (problem: string) => void): void {
  const lengths = new FrameLengths()
  const watch = (message: unknown): void => {
    if (typeof message !== 'object' || message === null || !('socket' in message)) return
    const { socket } = message
    if (!(socket instanceof Socket)) return
    // It was made just now, so that this listener is the first.
    socket.on('data', (bytes) => {
      const problem = typeof bytes === 'string' ? undefined : lengths.read(bytes)
      if (problem !== undefined) queueMicrotask(() => refused(problem))
    })
  }
  const sockets = channel('net.client.socket')
  sockets.subscribe(watch)
  try {
    connect()
  } finally {
    sockets.unsubscribe(watch)
  }
}
