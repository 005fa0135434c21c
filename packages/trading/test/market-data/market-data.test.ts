import { startUpstreams, type Upstreams } from '@holdfast/upstreams'
import { type Clock, createResilience, type Resilience, type ServiceOptions, systemClock } from 'holdfast'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type DataProvider, InvalidRequestError, NoSourceError, type Quote, StaleSourceError } from '../../src/index.ts'
import { createMarketData, type MarketData, type MarketDataOptions } from '../../src/market-data/market-data.ts'
import { createMassiveDataProvider } from '../../src/massive/massive-data-provider.ts'
import { createPolygonDataProvider } from '../../src/polygon/polygon-data-provider.ts'
import { rejection } from '../support.ts'

const december = { timeframe: '1Day', from: '2025-12-01', to: '2025-12-31' } as const
const DEAD = { action: { type: 'status', code: 503 } }

interface Desk {
  readonly marketData: MarketData
  readonly resilience: Resilience
  /** The provider that is asked first, and the other. */
  readonly first: Upstreams['control']
  readonly second: Upstreams['control']
  /** Moves the market's time. */
  advance(ms: number): void
}

/** Two providers with servers of their own, through their real SDKs; a clock that shows the market's time. */
async function startDesk(
  options: { first?: ServiceOptions; marketData?: Partial<MarketDataOptions> } = {},
): Promise<Desk> {
  const start = (): Promise<Upstreams> =>
    startUpstreams({
      ports: { control: 0, alpaca: 0, polygon: 0 },
      workers: { count: 64, minMs: 0, maxMs: 0 },
    })
  const [first, second] = await Promise.all([start(), start()])
  onTestFinished(async () => {
    await Promise.all([first.close(), second.close()])
  })
  const limit = { tokensPerSecond: 1_000, burstSize: 1_000 }
  const settings = { profile: 'DATA_PROVIDER' as const, rateLimiter: limit, retry: { maxRetries: 0 } }
  const resilience = createResilience({ services: { polygon: { ...settings, ...options.first }, massive: settings } })
  const providers = [
    createPolygonDataProvider({ service: resilience.service('polygon'), apiKey: 'key', baseUrl: first.urls.polygon }),
    createMassiveDataProvider({ service: resilience.service('massive'), apiKey: 'key', baseUrl: second.urls.polygon }),
  ]
  let ahead = Date.parse('2026-01-05T15:00:00Z') - systemClock.wallTime()
  const clock: Clock = { ...systemClock, wallTime: () => systemClock.wallTime() + ahead }
  return {
    marketData: createMarketData({ bars: providers, quotes: providers, clock, ...options.marketData }),
    resilience,
    first: first.control,
    second: second.control,
    advance: (ms) => {
      ahead += ms
    },
  }
}

describe('market data from several sources', () => {
  it('come from the first that answers, and say so', async () => {
    const { marketData, second } = await startDesk()
    const quote = await marketData.quote('aapl')
    expect(quote).toMatchObject({ source: 'polygon', stale: false, value: { symbol: 'AAPL' } })
    expect(quote.asOf).toBe(quote.value.at)
    const bars = await marketData.bars('AAPL', december)
    expect(bars).toMatchObject({ source: 'polygon', stale: false })
    expect(bars.value).toHaveLength(23)
    expect(second.stats('polygon').requests).toBe(0)
  })

  it.each(['status', 'reset', 'malformed', 'rate429'])('come from the next when the first fails: %s', async (type) => {
    const { marketData, first } = await startDesk()
    first.setFaults('polygon', { action: type === 'status' ? { type, code: 500 } : { type } })
    expect(await marketData.quote('AAPL')).toMatchObject({ source: 'massive', stale: false })
  })

  it('come from the next when the first hangs', async () => {
    const { marketData, first } = await startDesk({ first: { attemptTimeoutMs: 50 } })
    first.setFaults('polygon', { action: { type: 'hang' } })
    expect(await marketData.quote('AAPL')).toMatchObject({ source: 'massive', stale: false })
  })

  it('cost the first nothing while its circuit is open', async () => {
    const { marketData, resilience, first } = await startDesk()
    resilience.service('polygon').circuitBreaker?.trip('maintenance')
    expect(await marketData.quote('AAPL')).toMatchObject({ source: 'massive' })
    expect(first.stats('polygon').requests).toBe(0)
  })

  it('say which sources failed, and how, when none answers', async () => {
    const { marketData, first, second } = await startDesk()
    first.setFaults('polygon', DEAD)
    second.setFaults('polygon', { action: { type: 'rate429', retryAfterSec: 7 } })
    const error = await rejection(marketData.quote('AAPL'))
    expect(error).toBeInstanceOf(NoSourceError)
    expect(error).toMatchObject({
      code: 'HOLDFAST_TRADING_NO_SOURCE',
      failed: [{ source: 'polygon' }, { source: 'massive' }],
      retryAfterMs: 7_000,
    })
  })

  it('are asked of one source only when the question is at fault', async () => {
    const { marketData, second } = await startDesk()
    await rejection(marketData.quote('NOPE'))
    expect(await rejection(marketData.quote('A/B'))).toBeInstanceOf(InvalidRequestError)
    expect(second.stats('polygon').requests).toBe(0)
  })
})

describe('callers who ask for the same', () => {
  it('at the same time cost one request', async () => {
    const { marketData, first } = await startDesk()
    const quotes = await Promise.all(Array.from({ length: 50 }, () => marketData.quote('AAPL')))
    expect(new Set(quotes.map(({ asOf }) => asOf)).size).toBe(1)
    expect(first.stats('polygon').requests).toBe(1)
  })

  it('have answers of their own when one gives up', async () => {
    const { marketData, first } = await startDesk()
    first.setFaults('polygon', { action: { type: 'latency', ms: 50 } })
    const controller = new AbortController()
    const given = marketData.quote('AAPL', { signal: controller.signal })
    const waited = marketData.quote('AAPL')
    controller.abort(new Error('enough'))
    expect(String(await rejection(given))).toBe('Error: enough')
    expect(await waited).toMatchObject({ source: 'polygon' })
    expect(first.stats('polygon').requests).toBe(1)
  })
})

describe('an answer that is kept', () => {
  it('is handed out without asking while it is young enough', async () => {
    const { marketData, first, advance } = await startDesk()
    await marketData.quote('AAPL', { maxAgeMs: 5_000 })
    expect(await marketData.quote('AAPL', { maxAgeMs: 5_000 })).toMatchObject({ stale: false })
    expect(first.stats('polygon').requests).toBe(1)
    await marketData.quote('AAPL')
    expect(first.stats('polygon').requests).toBe(2)
    first.advanceClock(60_000)
    advance(60_000)
    expect((await marketData.quote('AAPL', { maxAgeMs: 5_000 })).ageMs).toBeLessThan(5_000)
    expect(first.stats('polygon').requests).toBe(3)
  })

  it('is better than none when no source answers, and is marked', async () => {
    const { marketData, first, second, advance } = await startDesk()
    const good = await marketData.quote('AAPL')
    first.setFaults('polygon', DEAD)
    second.setFaults('polygon', DEAD)
    advance(3_600_000)
    const last = await marketData.quote('AAPL')
    expect(last).toMatchObject({ value: good.value, source: 'polygon', asOf: good.asOf, stale: true })
    expect(last.ageMs).toBeGreaterThanOrEqual(3_600_000)
  })

  it('is not handed out to who forbids it', async () => {
    const { marketData, first, second, advance } = await startDesk()
    await marketData.quote('AAPL')
    first.setFaults('polygon', DEAD)
    second.setFaults('polygon', DEAD)
    advance(60_000)
    expect(await rejection(marketData.quote('AAPL', { maxAgeMs: 30_000 }))).toBeInstanceOf(NoSourceError)
    expect(await marketData.quote('AAPL', { maxAgeMs: 120_000 })).toMatchObject({ source: 'polygon' })
  })

  it('is one of so many: the least used goes first', async () => {
    const { marketData, first, second } = await startDesk({ marketData: { maxKept: 1 } })
    await marketData.quote('AAPL')
    await marketData.quote('MSFT')
    first.setFaults('polygon', DEAD)
    second.setFaults('polygon', DEAD)
    expect(await marketData.quote('MSFT')).toMatchObject({ stale: true })
    expect(await rejection(marketData.quote('AAPL'))).toBeInstanceOf(NoSourceError)
  })
})

describe('a source that is behind', () => {
  it('is passed over for one that is not', async () => {
    const { marketData, first } = await startDesk()
    first.setFaults('polygon', { action: { type: 'stale', ageMs: 900_000 } })
    const quote = await marketData.quote('AAPL', { maxAgeMs: 10_000 })
    expect(quote).toMatchObject({ source: 'massive', stale: false })
  })

  it('is good enough for who does not say how old it may be', async () => {
    const { marketData, first, advance } = await startDesk()
    first.setFaults('polygon', { action: { type: 'stale', ageMs: 900_000 } })
    first.advanceClock(1_800_000)
    advance(1_800_000)
    const quote = await marketData.quote('AAPL')
    expect(quote.source).toBe('polygon')
    expect(quote.ageMs).toBeGreaterThanOrEqual(900_000)
  })

  it('is told as what it is when there is no other', async () => {
    const { marketData, first, second, advance } = await startDesk()
    second.setFaults('polygon', DEAD)
    first.setFaults('polygon', { action: { type: 'stale', ageMs: 900_000 } })
    first.advanceClock(1_800_000)
    advance(1_800_000)
    const error = await rejection(marketData.quote('AAPL', { maxAgeMs: 10_000 }))
    expect(error).toMatchObject({ failed: [{ error: expect.any(StaleSourceError) }, { source: 'massive' }] })
  })

  it('is not behind when the market is closed: on Sunday Friday’s last quote is as good as new', async () => {
    const { marketData, first, advance } = await startDesk()
    await marketData.quote('AAPL')
    // From Monday 15:00 to just after the close, and on to the middle of the night.
    first.advanceClock(6 * 3_600_000 - 1_000)
    advance(6 * 3_600_000 - 1_000)
    const close = await marketData.quote('AAPL')
    advance(8 * 3_600_000)
    const night = await marketData.quote('AAPL', { maxAgeMs: 5_000 })
    expect(night).toMatchObject({ asOf: close.asOf, stale: false })
  })
})

it.each([Number.NaN, -1])('refuses maxAgeMs %d', async (maxAgeMs) => {
  const { marketData } = await startDesk()
  expect(await rejection(marketData.quote('AAPL', { maxAgeMs }))).toMatchObject({ field: 'maxAgeMs' })
})

it.each([0, 1.5, Number.NaN])('refuses to keep %d answers', (maxKept) => {
  expect(() => createMarketData({ bars: [], quotes: [], maxKept })).toThrow('maxKept')
})

it('asks no other source when one finds the question at fault', async () => {
  const asked: string[] = []
  const source = (name: string, answer: () => Promise<Quote>): DataProvider => ({
    service: createResilience({ services: { [name]: { profile: 'DATA_PROVIDER' } } }).service(name),
    getQuote: () => {
      asked.push(name)
      return answer()
    },
    getBars: () => Promise.reject(new Error('not asked for here')),
  })
  const fault = new InvalidRequestError('symbol', 'TSLA.X', 'there is no such exchange')
  const quotes = [
    source('first', () => Promise.reject(fault)),
    source('second', async () => ({ symbol: 'TSLA.X', at: 0, bid: 1, bidSize: 1, ask: 2, askSize: 1 })),
  ]
  expect(await rejection(createMarketData({ bars: [], quotes }).quote('TSLA.X'))).toBe(fault)
  expect(asked).toEqual(['first'])
})

it('says so when no source is configured', async () => {
  const marketData = createMarketData({ bars: [], quotes: [] })
  expect(String(await rejection(marketData.series('PAYEMS')))).toContain('there is none')
})

describe('a source whose times make no sense', () => {
  /** A source that answers with what it is given, one after another. */
  const telling = (...quotes: readonly { at: number; bid: number }[]): DataProvider => {
    const left = [...quotes]
    return {
      service: createResilience({ services: { odd: { profile: 'DATA_PROVIDER' } } }).service('odd'),
      getQuote: async (symbol) => {
        const { at, bid } = left.shift() ?? { at: 0, bid: 0 }
        return { symbol, at, bid, bidSize: 1, ask: bid + 1, askSize: 1 }
      },
      getBars: () => Promise.reject(new Error('not asked for here')),
    }
  }
  const opened = Date.parse('2026-01-05T15:00:00Z')

  it('and lie in the future does not freeze a price: it ages from when it was read, and what comes later takes its place', async () => {
    let now = opened
    const provider = telling({ at: opened * 1_000, bid: 1 }, { at: opened + 5_000, bid: 2 })
    const marketData = createMarketData({ bars: [], quotes: [provider], clock: { wallTime: () => now } })
    expect(await marketData.quote('AAPL')).toMatchObject({ value: { bid: 1 }, ageMs: 0 })
    now += 5_000
    expect(await marketData.quote('AAPL', { maxAgeMs: 1_000 })).toMatchObject({
      value: { bid: 2 },
      asOf: opened + 5_000,
    })
  })

  it('and lie in a distant past does not keep the process busy', async () => {
    const provider = telling({ at: -1e17, bid: 1 })
    const marketData = createMarketData({ bars: [], quotes: [provider], clock: { wallTime: () => opened } })
    expect(await rejection(marketData.quote('AAPL', { maxAgeMs: 1_000 }))).toBeInstanceOf(NoSourceError)
  })
})
