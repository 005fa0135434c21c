/** Server-sent events: one text for all viewers, a bounded memory of what was sent, a bounded number of viewers. */
import type { Writable } from 'node:stream'
import type { StreamEvents } from '@holdfast/console/api'

/** How many viewers there may be in all, and with one name. */
const MOST_VIEWERS = 64
const MOST_OF_ONE_NAME = 16

/** How many events a viewer that comes back can be told of. */
const KEPT_EVENTS = 600

/** A viewer that has not read so many bytes is let go; it comes back and is told what it missed. */
const MOST_UNREAD_BYTES = 1_048_576

interface Kept {
  readonly number: number
  readonly text: string
}

interface Viewer {
  readonly name: string
  readonly response: Writable
}

/** The stream of the console. An event's id is the gateway's run and a number in it: `k2v9x1-512`. */
export class EventStream {
  readonly #run: string
  readonly #viewers = new Set<Viewer>()
  readonly #kept: Kept[] = []
  #last = 0

  /** @param run a word that no other run of the gateway has */
  constructor(run: string) {
    this.#run = run
  }

  /** How many look. */
  get viewers(): number {
    return this.#viewers.size
  }

  /** Whether one more may look. */
  hasRoomFor(name: string): boolean {
    if (this.#viewers.size >= MOST_VIEWERS) return false
    let own = 0
    for (const viewer of this.#viewers) if (viewer.name === name) own++
    return own < MOST_OF_ONE_NAME
  }

  /** Tells everybody, and remembers it for who is away for a moment. */
  send<Name extends keyof StreamEvents>(name: Name, data: StreamEvents[Name]): void {
    const number = ++this.#last
    const text = textOf(name, data, `${this.#run}-${number}`)
    this.#kept.push({ number, text })
    if (this.#kept.length > KEPT_EVENTS) this.#kept.shift()
    this.#write(text)
  }

  /** Tells those who look now; who comes later is not told. */
  show<Name extends keyof StreamEvents>(name: Name, data: StreamEvents[Name]): void {
    if (this.#viewers.size > 0) this.#write(textOf(name, data))
  }

  /**
   * Adds a viewer, who is first told what it missed since the event `lastSeen`, or that this is no longer known, and then
   * how things stand.
   */
  add(name: string, response: Writable, lastSeen: string | undefined, now: StreamEvents['board']): void {
    // Who hung up before it could be added would never be told to be gone.
    if (response.destroyed) return
    const viewer = { name, response }
    this.#viewers.add(viewer)
    response.once('close', () => this.#viewers.delete(viewer))
    response.write(this.#missed(lastSeen, now.at) + textOf('board', now))
  }

  /** Ends all streams; the viewers will come back. */
  close(): void {
    for (const { response } of this.#viewers) response.end()
    this.#viewers.clear()
  }

  #missed(lastSeen: string | undefined, at: number): string {
    if (lastSeen === undefined) return ''
    const [run, digits = ''] = lastSeen.split('-')
    const seen = /^\d{1,15}$/.test(digits) ? Number(digits) : Number.NaN
    const oldest = this.#kept[0]?.number ?? this.#last + 1
    const known = run === this.#run && seen <= this.#last && seen >= oldest - 1
    if (!known) return textOf('gap', { at }, `${this.#run}-${this.#last}`)
    return this.#kept
      .filter(({ number }) => number > seen)
      .map(({ text }) => text)
      .join('')
  }

  #write(text: string): void {
    const bytes = Buffer.from(text)
    for (const viewer of this.#viewers) {
      if (viewer.response.writableLength > MOST_UNREAD_BYTES) viewer.response.destroy()
      else viewer.response.write(bytes)
    }
  }
}

function textOf<Name extends keyof StreamEvents>(name: Name, data: StreamEvents[Name], id?: string): string {
  const numbered = id === undefined ? '' : `id: ${id}\n`
  return `${numbered}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}
