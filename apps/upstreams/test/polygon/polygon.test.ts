import { VirtualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import { ask, startStandIns } from '../support.ts'

const DECEMBER = '/v2/aggs/ticker/AAPL/range/1/day/2025-12-01/2025-12-12'

/** A field of an answer that is an object. */
function field(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined
}

describe('aggregates', () => {
  it('come in pages whose next_url leads on, on the same host and without the key', async () => {
    const { polygon, ports } = await startStandIns()
    const whole = field((await polygon(DECEMBER)).body, 'results')
    const joined: unknown[] = []
    let path: string | undefined = `${DECEMBER}?limit=4&apiKey=key`
    while (path !== undefined) {
      const { status, body } = await polygon(path)
      expect(status).toBe(200)
      joined.push(field(body, 'results'))
      const next = field(body, 'next_url')
      if (typeof next !== 'string') break
      const url = new URL(next)
      expect(url.host).toBe(`127.0.0.1:${ports.polygon}`)
      expect(url.searchParams.has('apiKey')).toBe(false)
      path = `${url.pathname}${url.search}`
    }
    expect(joined.length).toBeGreaterThan(1)
    expect(joined.flat()).toEqual(whole)
  })

  it('of the day before are those of the last session', async () => {
    const { polygon } = await startStandIns()
    expect((await polygon('/v2/aggs/ticker/AAPL/prev')).body).toMatchObject({ resultsCount: 1, ticker: 'AAPL' })
  })

  it.each([
    '/v2/aggs/ticker/AAPL/range/0/day/2025-12-01/2025-12-31',
    '/v2/aggs/ticker/AAPL/range/1/eon/1/2',
    `${DECEMBER}?limit=0`,
  ])('are refused when the request makes no sense: %s', async (path) => {
    const { polygon } = await startStandIns()
    expect(await polygon(path)).toMatchObject({ status: 400, body: { status: 'ERROR' } })
  })

  it('of what is not traded are none', async () => {
    const { polygon } = await startStandIns()
    const answer = await polygon(DECEMBER.replace('AAPL', 'NOPE'))
    expect(answer).toMatchObject({ status: 200, body: { resultsCount: 0, results: [] } })
  })
})

describe('the last of everything', () => {
  it('agrees: trade, quote and snapshot', async () => {
    const { polygon } = await startStandIns({ clock: new VirtualClock() })
    const trade = field((await polygon('/v2/last/trade/AAPL')).body, 'results')
    const quote = field((await polygon('/v2/last/nbbo/AAPL')).body, 'results')
    const snapshot = await polygon('/v2/snapshot/locale/us/markets/stocks/tickers/AAPL')
    expect(field(snapshot.body, 'ticker')).toMatchObject({ lastTrade: trade, lastQuote: quote })
    expect(Number(field(quote, 'p'))).toBeLessThan(Number(field(quote, 'P')))
  })

  it.each([
    '/v2/last/trade/NOPE',
    '/v2/last/nbbo/NOPE',
    '/v3/reference/tickers/NOPE',
    `/v2/last/trade/${'N'.repeat(90)}`,
  ])('is a 404 for what is not traded: %s', async (path) => {
    const { polygon } = await startStandIns()
    expect(await polygon(path)).toMatchObject({ status: 404, body: { status: 'NOT_FOUND' } })
  })
})

describe('Polygon', () => {
  it('takes the key in the address or in a header, and refuses who has none', async () => {
    const { ports } = await startStandIns()
    const path = '/v1/marketstatus/now'
    expect((await ask(ports.polygon, `${path}?apiKey=key`)).status).toBe(200)
    expect((await ask(ports.polygon, path, { headers: { authorization: 'Bearer key' } })).status).toBe(200)
    for (const refused of [path, `${path}?apiKey=wrong`]) {
      expect(await ask(ports.polygon, refused)).toMatchObject({ status: 401, body: { error: 'Unknown API Key' } })
    }
  })

  it('counts pages as requests, and refuses what is over the limit of a key', async () => {
    const { polygon, ports, control } = await startStandIns({ clock: new VirtualClock() })
    control.setLimits('polygon', { requests: { requests: 2, windowMs: 60_000, window: 'rolling' } })
    await polygon(`${DECEMBER}?limit=4`)
    await polygon(`${DECEMBER}?limit=4&cursor=NA`)
    expect(await polygon('/v1/marketstatus/now')).toMatchObject({
      status: 429,
      body: { status: 'ERROR', error: expect.stringContaining('exceeded the maximum requests per minute') },
    })
    expect((await ask(ports.polygon, '/v1/marketstatus/now?apiKey=another')).status).toBe(200)
    control.advanceClock(60_001)
    expect((await polygon('/v1/marketstatus/now')).status).toBe(200)
  })

  it('lists tickers', async () => {
    const { polygon } = await startStandIns()
    expect((await polygon('/v3/reference/tickers?ticker=MSFT')).body).toMatchObject({ results: [{ ticker: 'MSFT' }] })
    expect((await polygon('/v3/reference/tickers?limit=0')).status).toBe(400)
  })
})
