import type { Clock, Timer } from 'holdfast'

/** How much of a body is read ahead, in bytes. */
const MOST_READ_AHEAD = 65_536

/** How long that may take, in milliseconds. */
const READ_AHEAD_MS = 1_000

type Bytes = Uint8Array<ArrayBuffer>
type Read = { readonly done: boolean; readonly value?: Bytes | undefined }

/**
 * A body that is read before anybody has asked for it, so that its connection is free: up to 64 kB, and for a second. What
 * was read, and what follows it, is still there for whoever asks.
 */
export class ReadAhead {
  readonly #reader: ReadableStreamDefaultReader<Bytes>
  readonly #parts: Bytes[] = []
  /** What was asked for and had not come, or was the failure of the body. */
  #pending: Promise<Read> | undefined
  #isWhole = false

  private constructor(body: ReadableStream<Bytes>) {
    this.#reader = body.getReader()
  }

  static async of(body: ReadableStream<Bytes>, clock: Clock): Promise<ReadAhead> {
    const ahead = new ReadAhead(body)
    let timer: Timer | undefined
    const timeIsUp = new Promise<undefined>((resolve) => {
      timer = clock.setTimer(() => resolve(undefined), READ_AHEAD_MS, false)
    })
    await ahead.#read(timeIsUp)
    timer?.cancel()
    return ahead
  }

  /** All of the body, from its beginning. */
  stream(): ReadableStream<Bytes> {
    const parts = this.#parts
    return new ReadableStream<Bytes>(
      {
        pull: async (controller) => {
          const part = parts.shift()
          if (part !== undefined) return controller.enqueue(part)
          const { done, value } = this.#isWhole ? { done: true } : await (this.#pending ?? this.#reader.read())
          this.#pending = undefined
          if (done || value === undefined) controller.close()
          else controller.enqueue(value)
        },
        cancel: (reason) => this.discard(reason),
      },
      { highWaterMark: 0 },
    )
  }

  /** Nobody will read it. */
  async discard(reason?: unknown): Promise<void> {
    if (!this.#isWhole) await this.#reader.cancel(reason)
  }

  async #read(timeIsUp: Promise<undefined>): Promise<void> {
    for (let bytes = 0; bytes < MOST_READ_AHEAD; ) {
      const read = this.#reader.read()
      // A body that breaks is told to whoever reads so far.
      const part = await Promise.race([read.catch(() => undefined), timeIsUp])
      if (part === undefined) {
        this.#pending = read
        return
      }
      this.#isWhole = part.done
      if (part.done) return
      this.#parts.push(part.value)
      bytes += part.value.length
    }
  }
}
