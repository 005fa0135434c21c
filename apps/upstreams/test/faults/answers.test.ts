import { describe, expect, it } from 'vitest'
import {
  type Answered,
  at,
  eventually,
  listAt,
  MARKET_ORDER,
  type StandIns,
  startStandIns,
  textAt,
} from '../support.ts'

/** Places an order while a fault is in force. */
async function orderDuring(action: object): Promise<StandIns & { readonly answer: Answered }> {
  const standIns = await startStandIns()
  standIns.control.setFaults('alpaca', { action })
  const answer = await standIns.alpaca('/v2/orders', { method: 'POST', body: MARKET_ORDER })
  return { ...standIns, answer }
}

describe('a status', () => {
  it('is answered in place of any effect', async () => {
    const { answer, control } = await orderDuring({ type: 'status', code: 503 })
    expect(answer).toMatchObject({ status: 503, body: { message: 'fault: status 503' } })
    expect(control.ledger()).toEqual([])
  })

  it('is answered with the body and the headers that it is given', async () => {
    const { answer } = await orderDuring({
      type: 'status',
      code: 403,
      body: { code: 40310000, message: 'insufficient buying power' },
      headers: { 'x-reason': 'a test' },
    })
    expect(answer).toMatchObject({
      status: 403,
      body: { code: 40310000, message: 'insufficient buying power' },
      headers: { 'x-reason': 'a test' },
    })
  })

  it('is answered although the request took effect, if told so', async () => {
    const { answer, control } = await orderDuring({ type: 'status', code: 500, body: { oops: 1 }, executed: true })
    expect(answer).toMatchObject({ status: 500, body: { oops: 1 } })
    // The answer went out whole: it is not lost, it is wrong.
    await eventually(() => expect(control.ledger()).toMatchObject([{ kind: 'submit', acked: true }]))
    expect(control.stats('alpaca')).toMatchObject({ executed: 1, byStatus: { 500: 1 } })
  })

  it('can come without a body', async () => {
    const { answer } = await orderDuring({ type: 'status', code: 204, executed: true })
    expect(answer).toMatchObject({ status: 204, text: '' })
  })
})

describe('a pretended 429', () => {
  const seconds = (from: unknown, to: number): number => Math.round((Date.parse(String(from)) - to) / 1_000)

  it('tells the seconds in retry-after, and nothing took effect', async () => {
    const { answer, control } = await orderDuring({ type: 'rate429' })
    expect(answer).toMatchObject({ status: 429, body: { code: 42910000 }, headers: { 'retry-after': '1' } })
    expect(control.ledger()).toEqual([])
    expect(control.stats('alpaca').rateViolations).toBe(0)
  })

  it('tells a date in retry-after', async () => {
    const { answer } = await orderDuring({ type: 'rate429', header: 'http-date', retryAfterSec: 60 })
    expect(answer.headers['retry-after']).toMatch(/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/)
    const ahead = seconds(answer.headers['retry-after'], Date.parse(String(answer.headers.date)))
    expect(ahead).toBeGreaterThanOrEqual(59)
    expect(ahead).toBeLessThanOrEqual(61)
  })

  it('tells the time of the reset in x-ratelimit-reset', async () => {
    const before = Math.floor(Date.now() / 1_000)
    const { answer } = await orderDuring({ type: 'rate429', header: 'x-ratelimit', retryAfterSec: 30 })
    expect(answer.status).toBe(429)
    expect(answer.headers).not.toHaveProperty('retry-after')
    expect(answer.headers['x-ratelimit-remaining']).toBe('0')
    expect(Number(answer.headers['x-ratelimit-reset']) - before).toBeGreaterThanOrEqual(30)
  })

  it.each([
    ['garbage', 'in a little while'],
    ['none', undefined],
  ])('with %s has %s in retry-after', async (header, text) => {
    const { answer } = await orderDuring({ type: 'rate429', header })
    expect(answer.status).toBe(429)
    expect(answer.headers['retry-after']).toBe(text)
  })

  it('has the words of Polygon at Polygon', async () => {
    const { control, polygon } = await startStandIns()
    control.setFaults('polygon', { action: { type: 'rate429', retryAfterSec: 7 } })
    const answer = await polygon('/v2/last/trade/AAPL')
    expect(answer).toMatchObject({ status: 429, body: { status: 'ERROR' }, headers: { 'retry-after': '7' } })
    expect(textAt(answer.body, 'error')).toMatch(/exceeded the maximum requests/)
  })
})

describe('a malformed answer', () => {
  it.each([
    [{}, /^\{"id":"[^}]+$/],
    [{ mode: 'truncate' }, /^\{"id":"[^}]+$/],
    [{ mode: 'garbage' }, /not json/],
    [{ mode: 'html' }, /^<!DOCTYPE html>/],
    [{ mode: 'empty' }, /^$/],
    [{ mode: 'nullJson' }, /^null$/],
    [{ mode: 'wrongType' }, /^"unexpected"$/],
  ])('with %j is a 200 whose body is %s', async (mode, body) => {
    const { answer, control } = await orderDuring({ type: 'malformed', ...mode })
    expect(answer.status).toBe(200)
    expect(answer.text).toMatch(body)
    const html = 'mode' in mode && mode.mode === 'html'
    expect(answer.headers['content-type']).toMatch(html ? 'text/html' : 'application/json')
    await eventually(() => expect(control.ledger()).toMatchObject([{ kind: 'submit', acked: true }]))
  })
})

describe('stale data', () => {
  const ages = async (standIns: StandIns): Promise<Record<string, number>> => {
    const { alpaca, polygon, control } = standIns
    const { marketTime } = control.moveClock({ speed: 0 })
    const snapshots = await alpaca('/v2/stocks/snapshots?symbols=AAPL')
    const ms = (answered: Answered, ...path: string[]): number =>
      marketTime - Date.parse(textAt(answered.body, ...path))
    const ns = (answered: Answered, ...path: string[]): number =>
      marketTime - Number(textAt(answered.body, ...path)) / 1e6
    return {
      trade: ms(await alpaca('/v2/stocks/AAPL/trades/latest'), 'trade', 't'),
      quote: ms(await alpaca('/v2/stocks/AAPL/quotes/latest'), 'quote', 't'),
      quotes: ms(await alpaca('/v2/stocks/quotes/latest?symbols=AAPL'), 'quotes', 'AAPL', 't'),
      snapshot: ms(snapshots, 'AAPL', 'latestTrade', 't'),
      lastTrade: ns(await polygon('/v2/last/trade/AAPL'), 'results', 't'),
      lastQuote: ns(await polygon('/v2/last/nbbo/AAPL'), 'results', 't'),
    }
  }

  it('is as old as the fault wants it to be, at both services', async () => {
    const standIns = await startStandIns()
    for (const [action, ageMs] of [
      [undefined, 0],
      [{ type: 'stale' }, 900_000],
      [{ type: 'stale', ageMs: 60_000 }, 60_000],
    ] as const) {
      for (const name of ['alpaca', 'polygon']) standIns.control.setFaults(name, action === undefined ? [] : { action })
      for (const age of Object.values(await ages(standIns))) {
        // Prices move once a second.
        expect(Math.floor(age / 1_000) * 1_000).toBe(ageMs)
      }
    }
  })
})

describe('drift', () => {
  it('takes a field out of the answer', async () => {
    const { answer } = await orderDuring({ type: 'drift', drop: 'status' })
    expect(answer.status).toBe(200)
    expect(answer.body).not.toHaveProperty('status')
    expect(answer.body).toHaveProperty('client_order_id')
  })

  it('gives fields other names, within lists too', async () => {
    const { control, alpaca } = await startStandIns()
    const path = '/v2/stocks/bars?symbols=AAPL&timeframe=1Day&start=2025-12-01&end=2025-12-05'
    const before = await alpaca(path)
    control.setFaults('alpaca', { action: { type: 'drift', drop: 'v', rename: { o: 'open', c: 'close' } } })
    const after = await alpaca(path)
    const [first] = listAt(before.body, 'bars', 'AAPL')
    const [drifted] = listAt(after.body, 'bars', 'AAPL')
    expect(drifted).toMatchObject({ open: at(first, 'o'), close: at(first, 'c'), h: at(first, 'h') })
    for (const name of ['v', 'o', 'c']) expect(drifted).not.toHaveProperty(name)
  })

  it('leaves an answer without a body alone', async () => {
    const { control, alpaca } = await startStandIns()
    const order = { ...MARKET_ORDER, type: 'limit', limit_price: '1' }
    const placed = await alpaca('/v2/orders', { method: 'POST', body: order })
    control.setFaults('alpaca', { action: { type: 'drift', drop: 'id' } })
    const gone = await alpaca(`/v2/orders/${textAt(placed.body, 'id')}`, { method: 'DELETE' })
    expect(gone).toMatchObject({ status: 204, text: '' })
  })
})
