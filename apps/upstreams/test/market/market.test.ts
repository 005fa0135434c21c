import { VirtualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import { joinBars } from '../../src/market/bar.ts'
import { Market } from '../../src/market/market.ts'
import { MarketClock } from '../../src/market/market-clock.ts'
import { dateText, dayAt } from '../../src/market/new-york-time.ts'

const at = (text: string): number => Date.parse(text)

function market(seed = 1) {
  const clock = new VirtualClock()
  const marketClock = new MarketClock({ clock })
  return { clock, marketClock, market: new Market({ seed, marketClock }) }
}

describe('the market clock', () => {
  it('begins in trading hours, on a Monday at 10 in New York', () => {
    const { marketClock } = market()
    expect(new Date(marketClock.now()).toISOString()).toBe('2026-01-05T15:00:00.000Z')
    expect(marketClock.isOpen()).toBe(true)
  })

  it('knows the next close and the next opening, over a weekend too', () => {
    const { marketClock } = market()
    expect(new Date(marketClock.nextClose()).toISOString()).toBe('2026-01-05T21:00:00.000Z')
    const fridayNight = at('2026-01-10T02:00:00Z')
    expect(marketClock.isOpen(fridayNight)).toBe(false)
    expect(new Date(marketClock.nextOpen(fridayNight)).toISOString()).toBe('2026-01-12T14:30:00.000Z')
  })

  it('keeps to New York when summer time begins', () => {
    const { marketClock } = market()
    expect(new Date(marketClock.nextOpen(at('2026-03-09T00:00:00Z'))).toISOString()).toBe('2026-03-09T13:30:00.000Z')
  })

  it('runs at the speed that is set, and can be moved', async () => {
    const { clock, marketClock } = market()
    const begin = marketClock.now()
    marketClock.setSpeed(60)
    await clock.advance(1_000)
    expect(marketClock.now() - begin).toBe(60_000)
    marketClock.setSpeed(0)
    await clock.advance(5_000)
    expect(marketClock.now() - begin).toBe(60_000)
    marketClock.advance(1_000)
    expect(marketClock.now() - begin).toBe(61_000)
  })
})

describe('the market', () => {
  const december = { from: at('2025-12-01T05:00:00Z'), to: at('2026-01-01T00:00:00Z') }

  it('has the real days of the S&P 500, ending on the last trading day before the clock begins', () => {
    const bars = market().market.bars('SPX', { amount: 1, unit: 'day', ...december, to: at('2026-01-04T00:00:00Z') })
    // The last row of the data set, 2020-04-17, moved by whole weeks to the Friday before.
    expect(bars.at(-1)).toMatchObject({ open: 2842.429932, high: 2879.219971, low: 2830.879883, close: 2874.560059 })
    expect(dateText(dayAt(bars.at(-1)?.at ?? 0))).toBe('2026-01-02')
    expect(market().market.isReal('SPX', 'day')).toBe(true)
    expect(market().market.isReal('AAPL', 'day')).toBe(false)
  })

  it('passes through the real monthly prices of the stocks', () => {
    const months = market().market.bars('AAPL', {
      amount: 1,
      unit: 'month',
      ...december,
      to: at('2026-01-04T00:00:00Z'),
    })
    // February 2010 to March 2010 in the data set.
    expect(months[0]).toMatchObject({ open: 204.62, close: 223.02 })
  })

  it('is the same for the same seed, whatever was asked before, and another for another', () => {
    const query = { amount: 1, unit: 'day', ...december } as const
    const busy = market(7).market
    busy.bars('AAPL', { amount: 5, unit: 'minute', from: at('2025-12-10T00:00:00Z'), to: at('2025-12-12T00:00:00Z') })
    expect(busy.bars('AAPL', query)).toEqual(market(7).market.bars('AAPL', query))
    expect(busy.bars('AAPL', query)).not.toEqual(market(8).market.bars('AAPL', query))
  })

  it('tells the same story in minutes as in days', () => {
    const { market: subject } = market()
    const window = { from: at('2025-12-03T05:00:00Z'), to: at('2025-12-04T00:00:00Z') }
    const [day] = subject.bars('IBM', { amount: 1, unit: 'day', ...window })
    const minutes = subject.bars('IBM', { amount: 1, unit: 'minute', ...window })
    expect(minutes).toHaveLength(390)
    expect(joinBars(day?.at ?? 0, minutes)).toEqual(day)
    expect(subject.bars('IBM', { amount: 30, unit: 'minute', ...window })).toHaveLength(13)
  })

  it('knows nothing of the future', () => {
    const { market: subject, marketClock } = market()
    const bars = subject.bars('AAPL', {
      amount: 1,
      unit: 'minute',
      from: at('2026-01-05T00:00:00Z'),
      to: at('2027-01-01T00:00:00Z'),
    })
    expect(bars).toHaveLength(30)
    expect(bars.every((bar) => bar.at + 60_000 <= marketClock.now())).toBe(true)
  })

  it('quotes round the last trade, which moves with the time and stands still at night', async () => {
    const { market: subject, marketClock } = market()
    const seen = new Set<number>()
    for (let second = 0; second < 600; second++) {
      const { price } = subject.lastTrade('MSFT')
      const { bid, ask } = subject.quote('MSFT')
      expect(bid).toBeLessThan(price)
      expect(ask).toBeGreaterThan(price)
      seen.add(price)
      marketClock.advance(1_000)
    }
    expect(seen.size).toBeGreaterThan(3)
    marketClock.advance(12 * 3_600_000)
    const night = subject.lastTrade('MSFT')
    expect(new Date(night.at).toISOString()).toBe('2026-01-05T21:00:00.000Z')
    marketClock.advance(3_600_000)
    expect(subject.lastTrade('MSFT')).toEqual(night)
  })

  it('does not trade what it does not know', () => {
    const { market: subject } = market()
    expect(subject.has('NOPE')).toBe(false)
    expect(subject.bars('NOPE', { amount: 1, unit: 'day', ...december })).toEqual([])
    expect(() => subject.lastTrade('NOPE')).toThrow(RangeError)
  })
})
