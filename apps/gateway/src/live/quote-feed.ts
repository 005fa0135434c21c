/** Quotes as server-sent events: one read a symbol and second, however many look; who reads too slowly misses some. */
import type { Writable } from 'node:stream'
import type { MarketData } from '@holdfast/trading/market-data'
import type { Clock, Timer } from 'holdfast'

/** How often a symbol is read, in milliseconds. */
const EVERY_MS = 1_000

/** How many may look in all, and at how many symbols. */
const MOST_VIEWERS = 256
const MOST_SYMBOLS = 64

/** How many of these one client may have: the others must find room. */
const MOST_OF_ONE_CLIENT = 32

/** Who has read nothing for so long is let go, in milliseconds. */
const LONGEST_STALL_MS = 10_000

/** Something is written at least this often, so that proxies and clients know that the stream lives, in milliseconds. */
const HEARTBEAT_MS = 15_000

interface Viewer {
  readonly client: string
  readonly response: Writable
  /** Since when it has not taken what was written; undefined while it does. */
  stalledSince: number | undefined
}

/** A symbol that somebody looks at. */
interface Feed {
  readonly viewers: Set<Viewer>
  readonly end: AbortController
  /** What was told last. */
  told: string
  toldAt: number
  timer: Timer | undefined
}

/** What the feed tells of an error. */
export type DescribeError = (error: unknown) => object

/** The quotes that are looked at. */
export class QuoteFeed {
  readonly #marketData: MarketData
  readonly #clock: Clock
  readonly #describe: DescribeError
  readonly #feeds = new Map<string, Feed>()

  constructor(marketData: MarketData, clock: Clock, describe: DescribeError) {
    this.#marketData = marketData
    this.#clock = clock
    this.#describe = describe
  }

  /** How many look. */
  get viewers(): number {
    let viewers = 0
    for (const feed of this.#feeds.values()) viewers += feed.viewers.size
    return viewers
  }

  /** Whether one more may look at a symbol, and whether this client may. */
  hasRoomFor(symbol: string, client: string): boolean {
    if (this.viewers >= MOST_VIEWERS || this.#viewersOf(client) >= MOST_OF_ONE_CLIENT) return false
    return this.#feeds.has(symbol) || this.#feeds.size < MOST_SYMBOLS
  }

  #viewersOf(client: string): number {
    let own = 0
    for (const { viewers } of this.#feeds.values()) for (const viewer of viewers) if (viewer.client === client) own++
    return own
  }

  /** Adds a client who looks at a symbol; its headers are sent already. */
  add(symbol: string, client: string, response: Writable): void {
    // Who hung up before it could be added would never be told to be gone.
    if (response.destroyed) return
    const feed = this.#feeds.get(symbol) ?? this.#begin(symbol)
    const viewer: Viewer = { client, response, stalledSince: undefined }
    feed.viewers.add(viewer)
    response.on('drain', () => {
      viewer.stalledSince = undefined
    })
    response.once('close', () => this.#remove(symbol, feed, viewer))
    response.write(feed.told === '' ? ': welcome\n\n' : feed.told)
  }

  /** Ends all streams. */
  close(): void {
    for (const [symbol, feed] of this.#feeds) {
      for (const viewer of feed.viewers) {
        viewer.response.end()
        this.#remove(symbol, feed, viewer)
      }
    }
  }

  #begin(symbol: string): Feed {
    const feed: Feed = {
      viewers: new Set(),
      end: new AbortController(),
      told: '',
      toldAt: this.#clock.now(),
      timer: undefined,
    }
    this.#feeds.set(symbol, feed)
    void this.#read(symbol, feed)
    return feed
  }

  #remove(symbol: string, feed: Feed, viewer: Viewer): void {
    feed.viewers.delete(viewer)
    if (feed.viewers.size > 0 || this.#feeds.get(symbol) !== feed) return
    this.#feeds.delete(symbol)
    feed.timer?.cancel()
    feed.end.abort(new Error('nobody looks any more'))
  }

  async #read(symbol: string, feed: Feed): Promise<void> {
    const begun = this.#clock.now()
    const text = await this.#marketData.quote(symbol, { signal: feed.end.signal }).then(
      ({ value, source, asOf, stale }) => event('quote', { ...value, source, asOf, stale }),
      (error: unknown) => event('unavailable', this.#describe(error)),
    )
    if (feed.viewers.size === 0) return
    this.#tell(feed, text)
    const tookMs = this.#clock.now() - begun
    feed.timer = this.#clock.setTimer(() => void this.#read(symbol, feed), Math.max(0, EVERY_MS - tookMs), false)
  }

  /** Only what is new; a viewer that has not taken what came before misses this one and gets the next. */
  #tell(feed: Feed, text: string): void {
    const now = this.#clock.now()
    const isNew = text !== feed.told
    if (!isNew && now - feed.toldAt < HEARTBEAT_MS) return
    feed.told = text
    feed.toldAt = now
    const bytes = Buffer.from(isNew ? text : ': still here\n\n')
    for (const viewer of feed.viewers) {
      if (viewer.stalledSince === undefined) {
        if (!viewer.response.write(bytes)) viewer.stalledSince = now
      } else if (now - viewer.stalledSince > LONGEST_STALL_MS) {
        viewer.response.destroy()
      }
    }
  }
}

function event(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}
