import { describe, expect, it } from 'vitest'
import { TOKENS, tokenBook } from './control/support.ts'
import { eventually, ORDER, startWorld } from './support.ts'

describe("the broker's routes", () => {
  it('GET /v1/account', async () => {
    const { ask } = await startWorld()
    expect(await ask('/v1/account')).toMatchObject({
      status: 200,
      body: { status: 'ACTIVE', currency: 'USD', cash: '100000', tradingBlocked: false },
    })
  })

  it('POST /v1/orders places an order, and says where it is', async () => {
    const { ask, standIns } = await startWorld()
    const placed = await ask('/v1/orders', { method: 'POST', body: { ...ORDER, clientOrderId: 'intent-1' } })
    expect(placed).toMatchObject({ status: 201, body: { clientOrderId: 'intent-1', symbol: 'AAPL', quantity: '1' } })
    const found = await ask(String(placed.headers.location))
    expect(found).toMatchObject({ status: 200, body: { clientOrderId: 'intent-1' } })
    expect(standIns.control.ledger().filter(({ kind }) => kind === 'submit')).toHaveLength(1)
  })

  it('GET /v1/orders/:id?by=clientOrderId finds an order by the id that the client gave it', async () => {
    const { ask } = await startWorld()
    const placed = await ask('/v1/orders', { method: 'POST', body: { ...ORDER, clientOrderId: 'desk:7#1' } })
    const found = await ask('/v1/orders/desk%3A7%231?by=clientOrderId')
    expect(found).toMatchObject({ status: 200, body: { clientOrderId: 'desk:7#1' } })
    expect(placed.status).toBe(201)
  })

  it('DELETE /v1/orders/:id cancels an order', async () => {
    const { ask } = await startWorld()
    const order = { ...ORDER, type: 'limit', limitPrice: '1' }
    const { headers } = await ask('/v1/orders', { method: 'POST', body: order })
    const cancelled = await ask(String(headers.location), { method: 'DELETE' })
    expect(cancelled).toMatchObject({ status: 204, body: undefined })
    expect(await ask(String(headers.location))).toMatchObject({ body: { status: 'canceled' } })
  })

  it('GET /v1/positions tells what was bought', async () => {
    const { ask, standIns } = await startWorld()
    await ask('/v1/orders', { method: 'POST', body: ORDER })
    standIns.control.moveClock({ advanceMs: 1_000 })
    const { status, body } = await ask('/v1/positions')
    expect(status).toBe(200)
    expect(body).toMatchObject([{ symbol: 'AAPL', quantity: '1', side: 'long' }])
  })
})

describe("the data provider's routes", () => {
  it('GET /v1/quotes/:symbol', async () => {
    const { ask } = await startWorld()
    const number = expect.any(Number)
    expect(await ask('/v1/quotes/aapl')).toMatchObject({
      status: 200,
      body: { symbol: 'AAPL', at: number, bid: number, bidSize: number, ask: number, askSize: number },
    })
  })

  it('say where an answer comes from, how old it is, and whether it is the last good one', async () => {
    const { ask, standIns } = await startWorld()
    const fresh = { source: 'polygon', asOf: expect.any(Number), ageMs: expect.any(Number), stale: false }
    expect(await ask('/v1/quotes/AAPL')).toMatchObject({ status: 200, body: fresh })
    expect(await ask('/v1/bars/AAPL?from=2025-12-01&to=2025-12-31')).toMatchObject({ status: 200, body: fresh })
    standIns.control.setFaults('polygon', { action: { type: 'status', code: 503 } })
    expect(await ask('/v1/quotes/AAPL')).toMatchObject({ status: 200, body: { source: 'polygon', stale: true } })
  })

  it('ask the next source when one is down, and the next', async () => {
    const { ask, standIns } = await startWorld({ sources: 'all', services: { yahoo: { retry: false } } })
    const source = async (): Promise<unknown> => (await ask('/v1/quotes/AAPL')).body
    standIns.control.setFaults('polygon', { action: { type: 'status', code: 503 } })
    expect(await source()).toMatchObject({ source: 'alpaca-data', stale: false })
    standIns.control.setFaults('alpaca', { action: { type: 'reset' } })
    expect(await source()).toMatchObject({ source: 'yahoo', stale: false })
    standIns.control.setFaults('yahoo', { action: { type: 'reset' } })
    expect(await source()).toMatchObject({ source: 'yahoo', stale: true })
    const nothing = await ask('/v1/quotes/MSFT')
    expect(nothing).toMatchObject({ status: 503, body: { type: 'urn:holdfast:no-source' } })
  })

  it('GET /v1/series/:id', async () => {
    const { ask } = await startWorld({ sources: 'all' })
    expect(await ask('/v1/series/PAYEMS?from=2008-01-01&limit=2')).toMatchObject({
      status: 200,
      body: { id: 'PAYEMS', source: 'fred', stale: false, observations: [{ date: '2008-01-01' }, {}] },
    })
    expect(await ask('/v1/series/NOPE')).toMatchObject({ status: 400, body: { type: 'urn:holdfast:service-refused' } })
  })

  it('have no series without a source of them', async () => {
    const { ask } = await startWorld()
    expect(await ask('/v1/series/PAYEMS')).toMatchObject({ status: 503, body: { type: 'urn:holdfast:no-source' } })
  })

  it('hand out nothing that is older than the client accepts', async () => {
    const { ask, standIns } = await startWorld()
    await ask('/v1/quotes/AAPL')
    standIns.control.setFaults('polygon', { action: { type: 'status', code: 503 } })
    standIns.control.advanceClock(60_000)
    expect((await ask('/v1/quotes/AAPL?maxAgeMs=5000')).status).toBe(502)
    expect((await ask('/v1/quotes/AAPL?maxAgeMs=120000')).status).toBe(200)
  })

  it('share one request among clients who ask for the same at the same time', async () => {
    const { ask, standIns } = await startWorld()
    standIns.control.setFaults('polygon', { action: { type: 'latency', ms: 200 } })
    await Promise.all(Array.from({ length: 20 }, () => ask('/v1/quotes/AAPL')))
    expect(standIns.control.stats('polygon').requests).toBeLessThan(20)
  })

  it('GET /v1/quotes/:symbol/stream sends quotes as they come, until the client hangs up or the gateway stops', async () => {
    const { url, gateway } = await startWorld()
    const answer = await fetch(`${url}/v1/quotes/aapl/stream`)
    expect(answer.headers.get('content-type')).toBe('text/event-stream')
    let text = ''
    const read = (async () => {
      for await (const chunk of answer.body ?? []) text += new TextDecoder().decode(chunk)
    })()
    await eventually(() => expect(text).toMatch(/^event: quote\ndata: \{"symbol":"AAPL","at":\d+,"bid":/m))
    await gateway.stop()
    await read
  })

  it('gives one client so many streams of quotes, and another still gets his', async () => {
    const limits = {
      perClient: { tokensPerSecond: 1_000, burstSize: 1_000 },
      apiKeys: { greedy: true, modest: true },
    } as const
    const { url, gateway } = await startWorld({ limits })
    const end = new AbortController()
    const look = async (key: string): Promise<number> => {
      const answer = await fetch(`${url}/v1/quotes/aapl/stream`, { headers: { 'x-api-key': key }, signal: end.signal })
      if (!answer.ok) expect(await answer.json()).toMatchObject({ type: 'urn:holdfast:too-many-streams' })
      return answer.status
    }
    const statuses = await Promise.all(Array.from({ length: 33 }, () => look('greedy')))
    expect(statuses.toSorted()).toEqual([...Array.from({ length: 32 }, () => 200), 503])
    expect(await look('modest')).toBe(200)
    end.abort()
    await gateway.stop()
  })

  it('GET /v1/bars/:symbol', async () => {
    const { ask } = await startWorld()
    const { status, body } = await ask('/v1/bars/aapl?timeframe=1Day&from=2025-12-01&to=2025-12-31&limit=3')
    expect(status).toBe(200)
    expect(body).toMatchObject({ symbol: 'AAPL', bars: [{ at: Date.UTC(2025, 11, 1, 5) }, {}, {}] })
  })
})

describe("the operator's routes", () => {
  it('GET /healthz and /readyz', async () => {
    const { ask } = await startWorld()
    expect(await ask('/healthz')).toMatchObject({ status: 200, body: { status: 'alive' } })
    expect(await ask('/readyz')).toMatchObject({ status: 200, body: { status: 'ready' } })
  })

  it('GET /v1/resilience shows every service as it is now', async () => {
    const { ask } = await startWorld()
    await ask('/v1/account')
    expect(await ask('/v1/resilience')).toMatchObject({
      status: 200,
      body: {
        services: {
          alpaca: { profile: 'BROKER', circuitBreaker: { state: 'CLOSED' }, bulkhead: { active: 0 } },
          polygon: { profile: 'DATA_PROVIDER', circuitBreaker: { state: 'CLOSED' } },
        },
      },
    })
  })
})

describe('what the broker or the provider says is passed on as what it is', () => {
  it.each([
    ['404', 'GET', '/v1/orders/nowhere', undefined, /order not found/],
    ['404', 'GET', '/v1/orders/nowhere?by=clientOrderId', undefined, /knows no order/],
    ['404', 'DELETE', '/v1/orders/nowhere', undefined, /order not found/],
    ['404', 'GET', '/v1/quotes/NOPE', undefined, /Ticker not found/],
    ['403', 'POST', '/v1/orders', { ...ORDER, quantity: '1000000' }, /insufficient buying power/],
    ['422', 'POST', '/v1/orders', { ...ORDER, symbol: 'NOPE' }, /asset "NOPE" not found/],
  ])('%s for %s %s', async (status, method, path, body, said) => {
    const { ask } = await startWorld()
    const answer = await ask(path, { method, body })
    expect(answer).toMatchObject({ status: Number(status), body: { detail: expect.stringMatching(said) } })
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8')
  })

  it('400 for an id that stands for another order', async () => {
    const { ask } = await startWorld()
    const body = { ...ORDER, clientOrderId: 'intent-1' }
    await ask('/v1/orders', { method: 'POST', body })
    expect(await ask('/v1/orders', { method: 'POST', body: { ...body, quantity: '2' } })).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('an id is for one intent') },
    })
  })
})

it.each(['/v1/quotes/AAPL/stream', '/v1/resilience/events'])('HEAD %s has no answer that would end', async (path) => {
  const { ask } = await startWorld({ control: { tokens: tokenBook() } })
  expect(
    (await ask(path, { method: 'HEAD', headers: { authorization: `Bearer ${TOKENS.operator}` }, raw: true })).status,
  ).toBe(404)
})
