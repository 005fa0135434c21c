/** The unmodified SDK against the stand-in. */
import { TimeFrame, withResponse } from '@alpacahq/alpaca-trade-api'
import { describe, expect, it } from 'vitest'
import { startStandIns } from '../support.ts'
import { openAlpaca, streamUrl } from './alpaca-client.ts'

async function start() {
  const standIns = await startStandIns()
  return { ...standIns, alpaca: openAlpaca(standIns.upstreams.urls.alpaca) }
}

describe('the SDK', () => {
  it('places orders of every kind', async () => {
    const { alpaca } = await start()
    const order = { symbol: 'AAPL', qty: 1, side: 'buy' } as const
    const { orders } = alpaca.trading
    expect(await orders.market({ ...order, clientOrderId: 'intent-1' })).toMatchObject({
      clientOrderId: 'intent-1',
      status: 'pending_new',
      qty: '1',
      type: 'market',
    })
    expect(await orders.limit({ ...order, limitPrice: 1 })).toMatchObject({ limitPrice: '1' })
    expect(await orders.stop({ ...order, stopPrice: 900 })).toMatchObject({ stopPrice: '900' })
    expect(await orders.stopLimit({ ...order, stopPrice: 900, limitPrice: 901 })).toMatchObject({ type: 'stop_limit' })
    expect(await orders.trailingStop({ ...order, trailPercent: 5 })).toMatchObject({ trailPercent: '5' })
    const bracket = await orders.bracket({ ...order, takeProfit: { limitPrice: 900 }, stopLoss: { stopPrice: 1 } })
    expect(bracket.legs).toMatchObject([
      { side: 'sell', type: 'limit', status: 'held' },
      { side: 'sell', type: 'stop', status: 'held' },
    ])
    expect(await orders.market({ symbol: 'IBM', notional: 500, side: 'buy' })).toMatchObject({
      notional: '500',
      qty: undefined,
    })
  })

  it('finds an order by its client order id, or is told that there is none', async () => {
    const { alpaca } = await start()
    const placed = await alpaca.trading.orders.market({
      symbol: 'AAPL',
      qty: 1,
      side: 'buy',
      clientOrderId: 'intent-1',
    })
    const found = await alpaca.trading.orders.getOrderByClientOrderId({ clientOrderId: 'intent-1' })
    expect(found.id).toBe(placed.id)
    const missed = alpaca.trading.orders.getOrderByClientOrderId({ clientOrderId: 'intent-2' })
    await expect(missed).rejects.toMatchObject({ name: 'NotFoundError', status: 404, code: 40410000 })
  })

  it('cancels an order once, then is told that it is too late', async () => {
    const { alpaca } = await start()
    const { id = '' } = await alpaca.trading.orders.limit({ symbol: 'AAPL', qty: 1, side: 'buy', limitPrice: 1 })
    await alpaca.trading.orders.deleteOrderByOrderID({ orderId: id })
    const again = alpaca.trading.orders.deleteOrderByOrderID({ orderId: id })
    await expect(again).rejects.toMatchObject({ name: 'ValidationError', status: 422, code: 42210000 })
  })

  it('submits and waits for the fill, which comes over the stream', async () => {
    const { alpaca, upstreams } = await start()
    const stream = alpaca.trading.stream({ url: streamUrl(upstreams.urls.alpaca), reconnect: false })
    try {
      const filled = alpaca.trading.submitAndWait(
        { symbol: 'AAPL', qty: '1', side: 'buy', type: 'market', timeInForce: 'day', clientOrderId: 'intent-1' },
        { stream, timeoutMs: 20_000 },
      )
      stream.connect()
      expect(await filled).toMatchObject({ clientOrderId: 'intent-1', status: 'filled', filledQty: '1' })
    } finally {
      stream.disconnect()
    }
  })

  it('reads bars, the latest price, snapshots, the account, the clock', async () => {
    const { alpaca } = await start()
    const bars = await alpaca.marketData.getStockBars({
      symbols: ['AAPL', 'SPX'],
      timeframe: TimeFrame.Day,
      start: new Date('2025-12-29T00:00:00Z'),
      end: new Date('2026-01-03T00:00:00Z'),
    })
    expect(bars.AAPL).toHaveLength(5)
    expect(bars.SPX?.at(-1)).toMatchObject({ close: 2874.560059 })
    const price = await alpaca.marketData.getLatestPrice('AAPL')
    expect(price).toBeGreaterThan(0)
    expect(await alpaca.trading.account.getAccount()).toMatchObject({ status: 'ACTIVE', cash: '100000' })
    expect(await alpaca.trading.clock.legacyClock()).toMatchObject({ isOpen: true })
    const { clocks } = await alpaca.trading.clock.clock({ markets: 'NYSE' })
    expect(clocks).toMatchObject([{ phase: 'core', isMarketDay: true, market: { acronym: 'NYSE' } }])
  })

  it('reads the limit from the headers of every answer', async () => {
    const { alpaca } = await start()
    const { status, rateLimit } = await withResponse(alpaca.trading.account.getAccountRaw())
    expect(status).toBe(200)
    expect(rateLimit).toMatchObject({ limit: 200, remaining: 199, reset: expect.any(Date) })
  })

  it('may not see recent data of all exchanges', async () => {
    const { alpaca } = await start()
    const query = {
      symbols: 'AAPL',
      timeframe: TimeFrame.Day,
      start: new Date('2025-12-29T00:00:00Z'),
      feed: 'sip',
    } as const
    const recent = alpaca.marketData.getStockBars({ ...query, end: new Date('2026-01-05T15:00:00Z') })
    await expect(recent).rejects.toMatchObject({
      status: 403,
      message: expect.stringContaining('subscription does not permit querying recent SIP data'),
    })
    const older = await alpaca.marketData.getStockBars({ ...query, end: new Date('2026-01-03T00:00:00Z') })
    expect(older.AAPL).toHaveLength(5)
  })

  it('reads activities page by page', async () => {
    const { alpaca, control } = await start()
    for (const side of ['buy', 'sell', 'buy'] as const) {
      await alpaca.trading.orders.market({ symbol: 'AAPL', qty: 1, side })
      control.advanceClock(1_000)
    }
    const fills = await alpaca.trading.collectActivitiesByType({ activityType: 'FILL', pageSize: 2 })
    expect(fills).toMatchObject([{ activityType: 'FILL', qty: '1' }, { qty: '1' }, { qty: '1' }])
    expect(new Set(fills.map(({ id }) => id)).size).toBe(3)
  })

  it('is told that its keys are not welcome', async () => {
    const { upstreams } = await start()
    const stranger = openAlpaca(upstreams.urls.alpaca, { secret: 'wrong' })
    await expect(stranger.trading.account.getAccount()).rejects.toMatchObject({ name: 'AuthError', status: 401 })
  })

  it('beyond the limit waits as long as it is told, or until the minute is over', async () => {
    const { alpaca, control } = await start()
    const limit = { requests: 1, windowMs: 60_000, window: 'fixed' }
    control.setLimits('alpaca', { trading: { ...limit, retryAfter: true } })
    await alpaca.trading.account.getAccount()
    const refusal: unknown = await alpaca.trading.account.getAccount().catch((error: unknown) => error)
    expect(refusal).toMatchObject({ name: 'RateLimitError', status: 429, code: 42910000, rateLimit: { remaining: 0 } })
    expect(refusal).toHaveProperty('retryAfterMs', expect.any(Number))
    expect(control.log().at(-1)).toMatchObject({ status: 429 })
  })
})
