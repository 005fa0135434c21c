/** Where the parts of a body come from, one after the other. */
interface Parts {
  next(): Promise<{ readonly done?: boolean | undefined; readonly value?: unknown }>
  cancel(reason: unknown): Promise<unknown>
}

/**
 * A body of a request that can be read only once (a stream, an iterator), and is not touched before it is. So an attempt
 * that ends before it was read can be followed by another, and one that ends later cannot.
 */
export class OneShotBody {
  readonly #source: ReadableStream | AsyncIterable<unknown>
  readonly #onRead: () => void
  #parts: Parts | undefined

  /** @param onRead told when the first part is asked for: from now on the request cannot be made once more */
  constructor(source: ReadableStream | AsyncIterable<unknown>, onRead: () => void) {
    this.#source = source
    this.#onRead = onRead
  }

  /** The body in question, if a value is one. */
  static of(body: unknown, onRead: () => void): OneShotBody | undefined {
    return isOneShot(body) ? new OneShotBody(body, onRead) : undefined
  }

  get wasRead(): boolean {
    return this.#parts !== undefined
  }

  /** It for one attempt, as a stream of bytes. @throws Error when an earlier attempt has read it */
  stream(): ReadableStream<Uint8Array> {
    this.#checkUnread()
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const { done, value } = await this.#open().next()
          if (done) controller.close()
          else controller.enqueue(bytesOf(value))
        },
        // Unread, it is kept for the next attempt.
        cancel: async (reason) => {
          await this.#parts?.cancel(reason)
        },
      },
      { highWaterMark: 0 },
    )
  }

  /** It for one attempt, part by part. @throws Error when an earlier attempt has read it */
  iterable(): AsyncIterable<unknown> {
    this.#checkUnread()
    return this.#iterate()
  }

  async *#iterate(): AsyncIterable<unknown> {
    const parts = this.#open()
    try {
      for (let part = await parts.next(); !part.done; part = await parts.next()) yield part.value
    } finally {
      await parts.cancel(undefined)
    }
  }

  #open(): Parts {
    if (this.#parts === undefined) {
      this.#parts = partsOf(this.#source)
      this.#onRead()
    }
    return this.#parts
  }

  #checkUnread(): void {
    if (!this.wasRead) return
    throw new Error(
      'the body of the request can be read only once, and was; give it as text or bytes to have it repeated',
    )
  }
}

function isOneShot(body: unknown): body is ReadableStream | AsyncIterable<unknown> {
  return typeof body === 'object' && body !== null && (body instanceof ReadableStream || Symbol.asyncIterator in body)
}

function partsOf(source: ReadableStream | AsyncIterable<unknown>): Parts {
  if (source instanceof ReadableStream) {
    const reader = source.getReader()
    return { next: () => reader.read(), cancel: (reason) => reader.cancel(reason) }
  }
  const iterator = source[Symbol.asyncIterator]()
  return { next: () => iterator.next(), cancel: async () => await iterator.return?.() }
}

const encoder = new TextEncoder()

function bytesOf(part: unknown): Uint8Array {
  if (part instanceof Uint8Array) return part
  if (typeof part === 'string') return encoder.encode(part)
  throw new TypeError('a part of a body must be text or bytes')
}
