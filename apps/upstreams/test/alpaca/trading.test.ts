import { VirtualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import { type StandIns, startStandIns } from '../support.ts'

const MARKET = { symbol: 'AAPL', qty: '2', side: 'buy', type: 'market', time_in_force: 'day' }
const FAR = { ...MARKET, type: 'limit', limit_price: '1' }

async function start(): Promise<StandIns> {
  return startStandIns({ clock: new VirtualClock() })
}

function post({ alpaca }: StandIns, body: unknown) {
  return alpaca('/v2/orders', { method: 'POST', body })
}

/** A field of an answer that is an object. */
function field(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined
}

describe('an order to the market', () => {
  it('is filled at the quote, and the account, the position and the ledger agree', async () => {
    const standIns = await start()
    const { alpaca, control } = standIns
    const placed = await post(standIns, { ...MARKET, client_order_id: 'mine' })
    expect(placed).toMatchObject({ status: 200, body: { client_order_id: 'mine', filled_qty: '0' } })
    control.advanceClock(1_000)
    const found = await alpaca('/v2/orders:by_client_order_id?client_order_id=mine')
    expect(found.body).toMatchObject({ status: 'filled', filled_qty: '2' })
    const price = Number(field(found.body, 'filled_avg_price'))
    const position = await alpaca('/v2/positions/AAPL')
    expect(position.body).toMatchObject({ qty: '2', side: 'long', avg_entry_price: String(price) })
    expect(Number(field((await alpaca('/v2/account')).body, 'cash'))).toBeCloseTo(100_000 - 2 * price, 2)
    expect(control.ledger().map(({ kind }) => kind)).toEqual(['submit', 'fill'])
  })

  it('closes a position that is given up', async () => {
    const standIns = await start()
    const { alpaca, control } = standIns
    await post(standIns, MARKET)
    control.advanceClock(1_000)
    expect((await alpaca('/v2/positions', { method: 'DELETE' })).status).toBe(207)
    control.advanceClock(1_000)
    expect((await alpaca('/v2/positions')).body).toEqual([])
    expect((await alpaca('/v2/positions/AAPL')).status).toBe(404)
  })
})

describe('an order with a limit', () => {
  it('rests until it is cancelled, once', async () => {
    const standIns = await start()
    const { alpaca } = standIns
    const id = String(field((await post(standIns, FAR)).body, 'id'))
    expect((await alpaca('/v2/orders')).body).toMatchObject([{ id, limit_price: '1' }])
    expect((await alpaca(`/v2/orders/${id}`, { method: 'DELETE' })).status).toBe(204)
    expect((await alpaca(`/v2/orders/${id}`)).body).toMatchObject({ status: 'canceled' })
    const again = await alpaca(`/v2/orders/${id}`, { method: 'DELETE' })
    expect(again).toMatchObject({ status: 422, body: { message: 'order is already in "canceled" state' } })
    expect((await alpaca('/v2/orders')).body).toEqual([])
    expect((await alpaca('/v2/orders?status=closed')).body).toMatchObject([{ id }])
  })

  it('is replaced by one with another id', async () => {
    const standIns = await start()
    const { alpaca } = standIns
    const id = String(field((await post(standIns, FAR)).body, 'id'))
    const replaced = await alpaca(`/v2/orders/${id}`, { method: 'PATCH', body: { limit_price: '2' } })
    expect(replaced).toMatchObject({ status: 200, body: { replaces: id, limit_price: '2' } })
    expect((await alpaca(`/v2/orders/${id}`)).body).toMatchObject({
      status: 'replaced',
      replaced_by: field(replaced.body, 'id'),
    })
  })

  it('binds what it may cost, and gives it back', async () => {
    const standIns = await start()
    const { alpaca } = standIns
    const power = async () => Number(field((await alpaca('/v2/account')).body, 'buying_power'))
    const before = await power()
    await post(standIns, { ...FAR, qty: '100' })
    expect(await power()).toBeCloseTo(before - 100, 2)
    expect((await alpaca('/v2/orders', { method: 'DELETE' })).status).toBe(207)
    expect(await power()).toBeCloseTo(before, 2)
  })
})

describe('an order that makes no sense', () => {
  it.each([
    ['an unknown symbol', { ...MARKET, symbol: 'NOPE' }, 422, 'asset "NOPE" not found'],
    ['a symbol of 10,000 characters', { ...MARKET, symbol: 'N'.repeat(10_000) }, 422, ''],
    ['a negative quantity', { ...MARKET, qty: '-1' }, 422, 'invalid qty: must be a decimal above zero'],
    ['no quantity', { ...MARKET, qty: undefined }, 422, ''],
    ['a quantity that is no number', { ...MARKET, qty: 'many' }, 422, 'invalid qty'],
    ['more than there is money for', { ...MARKET, qty: '1000000' }, 403, 'insufficient buying power'],
    ['a limit order without a limit', { ...MARKET, type: 'limit' }, 422, 'limit orders require limit price'],
    ['an unknown side', { ...MARKET, side: 'hold' }, 422, 'invalid side'],
    ['an id that is too long', { ...MARKET, client_order_id: 'x'.repeat(129) }, 422, 'invalid client_order_id'],
    ['no JSON', '{not', 400, 'request body format is invalid'],
  ])('is refused, and leaves no trace in the books: %s', async (_what, body, status, says) => {
    const standIns = await start()
    const answer = await post(standIns, body)
    expect(answer.status).toBe(status)
    expect(answer.body).toMatchObject({ message: expect.stringContaining(says) })
    expect((await standIns.alpaca('/v2/orders?status=all')).body).toEqual([])
    expect(standIns.control.ledger()).toEqual([])
  })

  it('is refused when its client order id was used before', async () => {
    const standIns = await start()
    await post(standIns, { ...FAR, client_order_id: 'mine' })
    const again = await post(standIns, { ...FAR, client_order_id: 'mine' })
    expect(again).toMatchObject({ status: 422, body: { message: 'client_order_id must be unique' } })
    expect(standIns.control.ledger()).toHaveLength(1)
  })

  it('that is looked for is not found', async () => {
    const { alpaca } = await start()
    expect((await alpaca('/v2/orders:by_client_order_id?client_order_id=none')).status).toBe(404)
    expect((await alpaca('/v2/orders/none')).status).toBe(404)
    expect((await alpaca('/v2/orders/none', { method: 'DELETE' })).status).toBe(404)
    expect((await alpaca('/v2/orders/none', { method: 'PATCH', body: {} })).status).toBe(404)
  })
})

describe('the broker', () => {
  it('refuses who has no keys', async () => {
    const { alpaca } = await start()
    const answer = await alpaca('/v2/account', { headers: { 'apca-api-secret-key': 'wrong' } })
    expect([401, 403]).toContain(answer.status)
  })

  it('says how much of the limit is left, and since when it is used up', async () => {
    const standIns = await start()
    standIns.control.setLimits('alpaca', { trading: { requests: 1, windowMs: 60_000, window: 'fixed' } })
    const first = await standIns.alpaca('/v2/clock')
    expect(first.headers).toMatchObject({ 'x-ratelimit-limit': '1', 'x-ratelimit-remaining': '0' })
    expect((await standIns.alpaca('/v2/clock')).status).toBe(429)
  })

  it('knows its hours', async () => {
    const { alpaca } = await start()
    expect((await alpaca('/v2/clock')).body).toMatchObject({ is_open: true, next_close: '2026-01-05T21:00:00.000Z' })
    expect((await alpaca('/v2/calendar?start=2026-01-09&end=2026-01-12')).body).toMatchObject([
      { date: '2026-01-09' },
      { date: '2026-01-12' },
    ])
    expect((await alpaca('/v2/calendar?start=x')).status).toBe(422)
  })
})

describe('its data', () => {
  it('come in pages that join', async () => {
    const { alpaca } = await start()
    const path = '/v2/stocks/bars?symbols=AAPL&timeframe=1Day&start=2025-12-01&end=2025-12-05'
    const whole = await alpaca(path)
    const first = await alpaca(`${path}&limit=2`)
    const rest = await alpaca(`${path}&page_token=${String(field(first.body, 'next_page_token'))}`)
    const bars = (body: unknown): unknown => field(field(body, 'bars'), 'AAPL')
    const joined = [bars(first.body), bars(rest.body)].flat()
    expect(joined).toEqual(bars(whole.body))
    expect(whole.headers['x-data']).toBe('interpolated')
  })

  it('are quotes with a bid below the ask', async () => {
    const { alpaca } = await start()
    const quote = field(field((await alpaca('/v2/stocks/quotes/latest?symbols=AAPL')).body, 'quotes'), 'AAPL')
    expect(Number(field(quote, 'bp'))).toBeLessThan(Number(field(quote, 'ap')))
  })

  it('are refused for a timeframe that is none', async () => {
    const { alpaca } = await start()
    expect((await alpaca('/v2/stocks/bars?symbols=AAPL&timeframe=1Fortnight')).status).toBe(400)
  })
})
