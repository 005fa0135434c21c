import { once } from 'node:events'
import { Writable } from 'node:stream'
import { VirtualClock } from '@holdfast/testing'
import type { DataProvider, Quote } from '@holdfast/trading'
import { createMarketData } from '@holdfast/trading/market-data'
import { createResilience } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { QuoteFeed } from '../../src/live/quote-feed.ts'

/** A provider whose price goes up by one with every read, or that fails. */
class Ticker implements DataProvider {
  readonly service = createResilience({ services: { ticker: { profile: 'DATA_PROVIDER' } } }).service('ticker')
  reads = 0
  fails = false
  stands = false

  async getQuote(symbol: string): Promise<Quote> {
    this.reads++
    if (this.fails) throw new Error('no quote')
    const price = this.stands ? 100 : 100 + this.reads
    return { symbol, at: 0, bid: price, bidSize: 1, ask: price + 1, askSize: 1 }
  }

  async getBars(): Promise<never> {
    throw new Error('not asked for here')
  }
}

/** Who looks: takes what is written, until it is stopped. */
class Viewer extends Writable {
  text = ''
  #pending: (() => void) | undefined = undefined
  #stopped = false

  constructor() {
    super({ highWaterMark: 1 })
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString()
    if (this.#stopped) this.#pending = done
    else done()
  }

  stop(): void {
    this.#stopped = true
  }

  goOn(): void {
    this.#stopped = false
    this.#pending?.()
  }

  get bids(): readonly string[] {
    return [...this.text.matchAll(/"bid":(\d+)/g)].map(([, bid = '']) => bid)
  }
}

function start() {
  const clock = new VirtualClock()
  const ticker = new Ticker()
  const marketData = createMarketData({ bars: [], quotes: [ticker] })
  const feed = new QuoteFeed(marketData, clock, (error) => ({ detail: String(error) }))
  const seconds = async (count: number): Promise<void> => {
    for (let second = 0; second < count; second++) await clock.advance(1_000)
  }
  return { clock, ticker, feed, seconds }
}

describe('a feed of quotes', () => {
  it('reads once a second for all who look, and tells each what is new', async () => {
    const { ticker, feed, seconds } = start()
    const viewers = [new Viewer(), new Viewer(), new Viewer()]
    for (const viewer of viewers) feed.add('AAPL', 'desk-7', viewer)
    await seconds(3)
    expect(ticker.reads).toBe(4)
    for (const viewer of viewers) expect(viewer.bids).toEqual(['101', '102', '103', '104'])
  })

  it('does not look for who has hung up before it began', async () => {
    const { ticker, feed, seconds } = start()
    const gone = new Viewer()
    gone.destroy()
    await once(gone, 'close')
    feed.add('AAPL', 'desk-7', gone)
    await seconds(3)
    expect([feed.viewers, ticker.reads]).toEqual([0, 0])
  })

  it('tells who comes later how things stand', async () => {
    const { feed, seconds } = start()
    feed.add('AAPL', 'desk-7', new Viewer())
    await seconds(2)
    const late = new Viewer()
    feed.add('AAPL', 'desk-7', late)
    await seconds(0)
    expect(late.bids).toEqual(['103'])
  })

  it('says nothing while nothing is new, but that it lives', async () => {
    const { ticker, feed, seconds } = start()
    ticker.stands = true
    const viewer = new Viewer()
    feed.add('AAPL', 'desk-7', viewer)
    await seconds(31)
    expect(viewer.bids).toEqual(['100'])
    expect(viewer.text.match(/: still here/g)).toHaveLength(2)
  })

  it('tells that there is no quote, once, and the next one when there is', async () => {
    const { ticker, feed, seconds } = start()
    ticker.fails = true
    const viewer = new Viewer()
    feed.add('AAPL', 'desk-7', viewer)
    await seconds(3)
    expect(viewer.text.match(/event: unavailable/g)).toHaveLength(1)
    ticker.fails = false
    await seconds(1)
    expect(viewer.bids).toHaveLength(1)
  })

  it('stops reading when nobody looks any more', async () => {
    const { ticker, feed, seconds } = start()
    const viewer = new Viewer()
    feed.add('AAPL', 'desk-7', viewer)
    await seconds(1)
    viewer.destroy()
    await seconds(5)
    expect(ticker.reads).toBe(2)
    expect(feed.viewers).toBe(0)
  })

  it('begins anew for who comes after the last has gone', async () => {
    const { feed, seconds } = start()
    const first = new Viewer()
    feed.add('AAPL', 'desk-7', first)
    await seconds(1)
    first.destroy()
    await seconds(1)
    const next = new Viewer()
    feed.add('AAPL', 'desk-7', next)
    await seconds(2)
    expect(next.bids).toEqual(['103', '104', '105'])
  })

  it('ends all streams', async () => {
    const { feed, seconds } = start()
    const viewer = new Viewer()
    feed.add('AAPL', 'desk-7', viewer)
    feed.close()
    await seconds(1)
    expect(viewer.writableFinished).toBe(true)
    expect(feed.viewers).toBe(0)
  })
})

describe('a viewer that reads too slowly', () => {
  it('misses what it has no time for, and holds up nobody', async () => {
    const { feed, seconds } = start()
    const slow = new Viewer()
    const quick = new Viewer()
    feed.add('AAPL', 'desk-7', slow)
    feed.add('AAPL', 'desk-7', quick)
    await seconds(1)
    slow.stop()
    await seconds(4)
    slow.goOn()
    await seconds(1)
    expect(quick.bids).toEqual(['101', '102', '103', '104', '105', '106', '107'])
    expect(slow.bids).toEqual(['101', '102', '103', '107'])
  })

  it('is let go after ten seconds', async () => {
    const { feed, seconds } = start()
    const stuck = new Viewer()
    feed.add('AAPL', 'desk-7', stuck)
    await seconds(1)
    stuck.stop()
    await seconds(11)
    expect(stuck.destroyed).toBe(false)
    await seconds(2)
    expect(stuck.destroyed).toBe(true)
    expect(feed.viewers).toBe(0)
  })
})

it('has room for so many viewers and symbols', () => {
  const { feed } = start()
  for (let n = 0; n < 64; n++) feed.add(`S${n}`, `desk-${n}`, new Viewer())
  expect(feed.hasRoomFor('S64', 'desk-64')).toBe(false)
  expect(feed.hasRoomFor('S1', 'desk-64')).toBe(true)
  for (let n = 64; n < 256; n++) feed.add('S1', `desk-${n}`, new Viewer())
  expect(feed.hasRoomFor('S1', 'desk-256')).toBe(false)
})

it('leaves room for others, however many one client looks at', async () => {
  const { feed } = start()
  const viewers = Array.from({ length: 32 }, () => new Viewer())
  for (const [n, viewer] of viewers.entries()) feed.add(`S${n}`, 'greedy', viewer)
  expect(feed.hasRoomFor('S1', 'greedy')).toBe(false)
  expect(feed.hasRoomFor('S32', 'modest')).toBe(true)
  viewers[0]?.destroy()
  await once(viewers[0] ?? new Viewer(), 'close')
  expect(feed.hasRoomFor('S1', 'greedy')).toBe(true)
})
