import { VirtualClock } from '@holdfast/testing'
import { yahooTransport } from '@holdfast/upstreams'
import { describe, expect, it } from 'vitest'
import { at, startStandIns, textAt } from '../support.ts'
import { openYahoo, type YahooClient } from './yahoo-client.ts'

/** What a promise of the SDK rejects with: its name, message and code. */
async function failure(promise: Promise<unknown>): Promise<object> {
  try {
    await promise
  } catch (error) {
    if (!(error instanceof Error)) return { thrown: error }
    return { name: error.name, message: error.message.trim(), code: at(error, 'code') }
  }
  throw new Error('it was to reject, and resolved')
}

const chart = (client: YahooClient, symbol = 'AAPL', query: object = {}): Promise<unknown> =>
  client.chart(symbol, { period1: '2025-12-01', period2: '2025-12-06', ...query })

describe('the SDK', () => {
  it('gets a cookie, then a crumb, then a quote, each from its host', async () => {
    const { upstreams, control } = await startStandIns()
    const quote = await openYahoo(upstreams.urls.yahoo).quote('AAPL')
    expect(quote).toMatchObject({ symbol: 'AAPL', quoteType: 'EQUITY', currency: 'USD', marketState: 'REGULAR' })
    expect(Number(at(quote, 'ask'))).toBeGreaterThan(Number(at(quote, 'bid')))
    expect(control.log(0, 'yahoo').map(({ path, headers }) => [headers['x-orig-host'], path.split('?')[0]])).toEqual([
      ['finance.yahoo.com', '/quote/AAPL'],
      ['query1.finance.yahoo.com', '/v1/test/getcrumb'],
      ['query2.finance.yahoo.com', '/v7/finance/quote'],
    ])
    expect(JSON.stringify(control.log())).not.toMatch(/crumb=(?!redacted)/)
  })

  it('agrees on the consent page where it is asked to, once', async () => {
    const { upstreams, control } = await startStandIns()
    control.setFaults('yahoo', { action: { type: 'consent' } })
    const client = openYahoo(upstreams.urls.yahoo)
    expect(await client.quote('AAPL')).toMatchObject({ symbol: 'AAPL' })
    expect(await client.quote('MSFT')).toMatchObject({ symbol: 'MSFT' })
    expect(
      control.log(0, 'yahoo').map(({ method, path, headers }) => [method, headers['x-orig-host'], path.split('?')[0]]),
    ).toEqual([
      ['GET', 'finance.yahoo.com', '/quote/AAPL'],
      ['GET', 'guce.yahoo.com', '/consent'],
      ['GET', 'consent.yahoo.com', '/v2/collectConsent'],
      ['POST', 'consent.yahoo.com', '/v2/collectConsent'],
      ['GET', 'guce.yahoo.com', '/copyConsent'],
      ['GET', 'finance.yahoo.com', '/quote/AAPL'],
      ['GET', 'query1.finance.yahoo.com', '/v1/test/getcrumb'],
      ['GET', 'query2.finance.yahoo.com', '/v7/finance/quote'],
      ['GET', 'query2.finance.yahoo.com', '/v7/finance/quote'],
    ])
  })

  it.each([
    ['GET', 'guce.yahoo.com/consent?sessionId=none'],
    ['GET', 'consent.yahoo.com/v2/collectConsent?sessionId=none'],
    ['POST', 'consent.yahoo.com/v2/collectConsent'],
    ['GET', 'guce.yahoo.com/copyConsent?sessionId=none'],
  ])('the consent page is for those who were sent there: %s %s', async (method, address) => {
    const { upstreams } = await startStandIns()
    const body = method === 'POST' ? new URLSearchParams({ sessionId: 'none', csrfToken: 'x', agree: 'agree' }) : null
    const answer = await yahooTransport(upstreams.urls.yahoo)(`https://${address}`, { method, body })
    expect(answer.status).toBe(400)
  })

  it('gets several quotes at once, without those that are not traded', async () => {
    const { upstreams } = await startStandIns()
    const client = openYahoo(upstreams.urls.yahoo)
    const quotes = await client.quote(['AAPL', 'NOPE', '^GSPC', 'ibm'])
    expect(quotes.map(({ symbol, quoteType }) => [symbol, quoteType])).toEqual([
      ['AAPL', 'EQUITY'],
      ['^GSPC', 'INDEX'],
      ['IBM', 'EQUITY'],
    ])
    expect(await client.quote('NOPE')).toBeUndefined()
  })

  it('gets bars without a crumb, the end left out', async () => {
    const { upstreams, control } = await startStandIns()
    const client = openYahoo(upstreams.urls.yahoo)
    const { meta, quotes } = await client.chart('AAPL', { period1: '2025-12-01', period2: '2025-12-05' })
    expect(meta).toMatchObject({ symbol: 'AAPL', currency: 'USD', dataGranularity: '1d' })
    expect(quotes.map(({ date }) => date.toISOString())).toEqual([
      '2025-12-01T05:00:00.000Z',
      '2025-12-02T05:00:00.000Z',
      '2025-12-03T05:00:00.000Z',
      '2025-12-04T05:00:00.000Z',
    ])
    expect(control.stats('yahoo').requests).toBe(1)
  })

  it('gets real days of the index, minutes, and nothing where nothing was traded', async () => {
    const { upstreams } = await startStandIns()
    const client = openYahoo(upstreams.urls.yahoo)
    const days = await client.historical('^GSPC', { period1: '2026-01-02', period2: '2026-01-03' })
    expect(days).toMatchObject([{ close: 2874.560059 }])
    const minutes = await client.chart('MSFT', { period1: '2025-12-03', period2: '2025-12-04', interval: '30m' })
    expect(minutes.quotes).toHaveLength(13)
    const weekend = await client.chart('AAPL', { period1: '2025-12-06', period2: '2025-12-07' })
    expect(weekend.quotes).toEqual([])
  })

  it('is told what it asked for in vain', async () => {
    const { upstreams } = await startStandIns()
    const client = openYahoo(upstreams.urls.yahoo)
    expect(await failure(chart(client, 'NOPE'))).toMatchObject({ message: 'No data found, symbol may be delisted' })
  })

  it('keeps a crumb that was changed for ever; a client with other cookies gets a good one', async () => {
    const { upstreams, control } = await startStandIns()
    const client = openYahoo(upstreams.urls.yahoo)
    await client.quote('AAPL')
    control.setFaults('yahoo', { match: { times: 1 }, action: { type: 'rotateCrumb' } })
    for (let time = 0; time < 2; time++) {
      expect(await failure(client.quote('AAPL'))).toEqual({ name: 'Error', message: 'Invalid Crumb', code: undefined })
    }
    expect(await openYahoo(upstreams.urls.yahoo).quote('AAPL')).toMatchObject({ symbol: 'AAPL' })
  })

  it.each([
    [{}, 'Too Many Requests'],
    [{ text: 'Edge: Too Many Requests' }, 'Edge: Too Many Requests'],
  ])('takes a complaint for a crumb: %j', async (fault, text) => {
    const { upstreams, control } = await startStandIns()
    control.setFaults('yahoo', { action: { type: 'badCrumb200', ...fault } })
    const client = openYahoo(upstreams.urls.yahoo)
    expect(await failure(client.quote('AAPL'))).toMatchObject({ message: 'Invalid Crumb' })
    // Cookies and bars are as before.
    await chart(client)
    const { yahoo } = { yahoo: yahooTransport(upstreams.urls.yahoo) }
    expect(await (await yahoo('https://query1.finance.yahoo.com/v1/test/getcrumb')).text()).toBe(text)
  })

  it('is refused with 429 as a text beyond 60 requests a minute from one place', async () => {
    const clock = new VirtualClock()
    const { upstreams, control } = await startStandIns({ clock })
    control.setLimits('yahoo', { requests: { requests: 2, windowMs: 60_000, window: 'rolling' } })
    const client = openYahoo(upstreams.urls.yahoo)
    await chart(client)
    await chart(client)
    expect(await failure(chart(client))).toEqual({ name: 'HTTPError', message: 'Too Many Requests', code: 429 })
    await chart(openYahoo(upstreams.urls.yahoo, { headers: { 'x-client-ip': '203.0.113.9' } }))
    expect(await failure(client.quote('AAPL'))).toMatchObject({ message: expect.stringMatching(/set-cookie|crumb/i) })
    await clock.advance(60_000)
    await chart(client)
    expect(control.stats('yahoo').byKey).toMatchObject({ '203.0.113.9': 1 })
  })

  it('is shut out with 999, for longer with each request', async () => {
    const clock = new VirtualClock()
    const { upstreams, control } = await startStandIns({ clock })
    control.setLimits('yahoo', { requests: { requests: 1, windowMs: 1_000, window: 'rolling' } })
    control.setFaults('yahoo', { action: { type: 'ban', forMs: 10_000, status: 999, extends: true } })
    const client = openYahoo(upstreams.urls.yahoo)
    await chart(client)
    expect(await failure(chart(client))).toMatchObject({ code: 429 })
    await clock.advance(9_000)
    expect(await failure(chart(client))).toEqual({
      name: 'HTTPError',
      message: '<html><body>Request denied</body></html>',
      code: 999,
    })
    await clock.advance(9_000)
    expect(await failure(chart(client))).toMatchObject({ code: 999 })
    await clock.advance(10_000)
    await chart(client)
  })
})

describe('the routes', () => {
  it('of a crumb need the cookie, and a crumb is good for its cookie only', async () => {
    const { yahoo } = await startStandIns()
    expect(await yahoo('/v1/test/getcrumb')).toMatchObject({ status: 401, text: '' })
    const cookiesOf = async (): Promise<string> => {
      const { headers } = await yahoo('/quote/AAPL')
      return [headers['set-cookie']]
        .flat()
        .map((cookie) => cookie?.split(';')[0])
        .join('; ')
    }
    const [mine, yours] = [await cookiesOf(), await cookiesOf()]
    const { text: crumb } = await yahoo('/v1/test/getcrumb', { headers: { cookie: mine } })
    expect(crumb).toMatch(/^[A-Za-z0-9]{11}$/)
    const quote = (cookie: string) => yahoo(`/v7/finance/quote?symbols=AAPL&crumb=${crumb}`, { headers: { cookie } })
    expect(await quote(mine)).toMatchObject({ status: 200, headers: { 'x-data': 'interpolated' } })
    expect((await quote(yours)).status).toBe(401)
    expect(await yahoo('/v7/finance/quote?symbols=AAPL')).toMatchObject({
      status: 401,
      body: { finance: { result: null, error: { code: 'Unauthorized', description: 'Invalid Crumb' } } },
    })
    expect((await yahoo(`/v7/finance/quote?crumb=${crumb}`, { headers: { cookie: mine } })).status).toBe(400)
  })

  it.each([
    ['/quote/AAPL', 'query1.finance.yahoo.com'],
    ['/v1/test/getcrumb', 'finance.yahoo.com'],
    ['/v7/finance/quote?symbols=AAPL', 'query1.finance.yahoo.com'],
    ['/v8/finance/chart/AAPL', 'finance.yahoo.com'],
    ['/no/such/page', 'finance.yahoo.com'],
  ])('do not have %s at %s', async (path, host) => {
    const { yahoo } = await startStandIns()
    expect((await yahoo(path, { headers: { 'x-orig-host': host } })).status).toBe(404)
  })

  it.each(['interval=7m', 'period1=yesterday', 'period2=1e30'])('refuse %s', async (query) => {
    const { yahoo } = await startStandIns()
    const { status, body } = await yahoo(`/v8/finance/chart/AAPL?${query}`)
    expect(status).toBe(400)
    expect(textAt(body, 'chart', 'error', 'description')).toBe(`Invalid input - ${query.split('=')[0]}`)
  })

  it('make data look old when a fault wants it', async () => {
    const { upstreams, control } = await startStandIns()
    const client = openYahoo(upstreams.urls.yahoo)
    control.setFaults('yahoo', {
      match: { host: 'query2.finance.yahoo.com' },
      action: { type: 'stale', ageMs: 3_600_000 },
    })
    const { marketTime } = control.moveClock({})
    const quote = await client.quote('AAPL')
    expect(marketTime - Number(quote.regularMarketTime)).toBeGreaterThanOrEqual(3_600_000)
    expect(control.faults('yahoo')).toMatchObject([{ seen: 1 }])
  })
})
