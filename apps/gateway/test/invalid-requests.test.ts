import { describe, expect, it } from 'vitest'
import { exchange } from './exchange.ts'
import { ORDER, startWorld } from './support.ts'

const BARS = '/v1/bars/AAPL?timeframe=1Day&from=2025-12-01&to=2025-12-31'

describe('a request that makes no sense never leaves the gateway, and is told which field and which rule', () => {
  it.each([
    ['a body that is no JSON', 'POST', '/v1/orders', '{nope', /not valid JSON/],
    [
      'a body that poisons prototypes',
      'POST',
      '/v1/orders',
      '{"__proto__":{"admin":true}}',
      /not valid JSON|__proto__/,
    ],
    ['no body', 'POST', '/v1/orders', undefined, /expected object/],
    ['a body that is a text', 'POST', '/v1/orders', '"AAPL"', /expected object/],
    [
      'a quantity that is a number',
      'POST',
      '/v1/orders',
      { ...ORDER, quantity: 1 },
      /quantity: it must be a decimal text/,
    ],
    ['a quantity of nothing', 'POST', '/v1/orders', { ...ORDER, quantity: '0' }, /quantity is "0": .*above 0/],
    ['a quantity that is no figure', 'POST', '/v1/orders', { ...ORDER, quantity: '1e9' }, /quantity is "1e9"/],
    ['another side', 'POST', '/v1/orders', { ...ORDER, side: 'hold' }, /side: .*"buy"\|"sell"/],
    ['a limit order without a limit', 'POST', '/v1/orders', { ...ORDER, type: 'limit' }, /limit needs limitPrice/],
    ['a market order with a limit', 'POST', '/v1/orders', { ...ORDER, limitPrice: '1' }, /market has no limitPrice/],
    ['a field that does not exist', 'POST', '/v1/orders', { ...ORDER, qty: '1' }, /Unrecognized key: "qty"/],
    [
      'an id that could not be looked up',
      'POST',
      '/v1/orders',
      { ...ORDER, clientOrderId: 'a/b' },
      /clientOrderId: it must be 1 to 128 letters/,
    ],
    [
      'an id that is too long',
      'POST',
      '/v1/orders',
      { ...ORDER, clientOrderId: 'x'.repeat(49) },
      /clientOrderId: .*at most 48/,
    ],
    [
      'a symbol of 10,000 characters',
      'GET',
      `/v1/quotes/${'A'.repeat(10_000)}`,
      undefined,
      /symbol is "A+\.\.\.": it must be 1 to 21/,
    ],
    ['a symbol with a slash', 'GET', '/v1/quotes/A%2FB', undefined, /symbol is "A\/B"/],
    ['a symbol of a stream with a slash', 'GET', '/v1/quotes/A%2FB/stream', undefined, /symbol is "A\/B"/],
    ['an age that is none', 'GET', '/v1/quotes/AAPL?maxAgeMs=-1', undefined, /maxAgeMs/],
    ['bars without a beginning', 'GET', '/v1/bars/AAPL?to=2025-12-31', undefined, /from: it must be a date like/],
    ['bars from no date', 'GET', '/v1/bars/AAPL?from=yesterday&to=2025-12-31', undefined, /from is "yesterday"/],
    ['bars of another length', 'GET', BARS.replace('1Day', '2Day'), undefined, /timeframe: /],
    ['too many bars', 'GET', `${BARS}&limit=50001`, undefined, /limit: .*50000/],
    ['a query that does not exist', 'GET', `${BARS}&adjusted=true`, undefined, /"adjusted"/],
    ['another way to look up', 'GET', '/v1/orders/x?by=symbol', undefined, /by: /],
    ['a URL that cannot be decoded', 'GET', '/v1/quotes/%zz', undefined, /not a valid url component/],
  ])('400 for %s', async (_what, method, path, body, told) => {
    const { ask, standIns } = await startWorld()
    const answer = await ask(path, { method, body })
    expect(answer).toMatchObject({
      status: 400,
      body: { type: 'urn:holdfast:invalid-request', status: 400, detail: expect.stringMatching(told) },
    })
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8')
    expect(standIns.control.log()).toEqual([])
  })

  it.each(['.', '..', '%2e', '%2E%2e'])(
    '400 for the order %s, which would be another resource at the broker',
    async (id) => {
      const { ask, standIns } = await startWorld()
      expect(await ask(`/v1/orders/${id}`, { method: 'DELETE' })).toMatchObject({
        status: 400,
        body: { detail: expect.stringMatching(/^id: .*not only dots/) },
      })
      expect(standIns.control.log()).toEqual([])
    },
  )

  it('413 for a body that is too large', async () => {
    const { ask } = await startWorld()
    const answer = await ask('/v1/orders', { method: 'POST', body: { ...ORDER, symbol: 'A'.repeat(70_000) } })
    expect(answer).toMatchObject({ status: 413, body: { type: 'urn:holdfast:invalid-request' } })
  })

  it('415 for a body of another kind', async () => {
    const { ask } = await startWorld()
    const headers = { 'content-type': 'application/xml' }
    const answer = await ask('/v1/orders', { method: 'POST', body: '<order/>', headers })
    expect(answer).toMatchObject({ status: 415, body: { type: 'urn:holdfast:invalid-request' } })
  })

  it('404 for a route that does not exist', async () => {
    const { ask } = await startWorld()
    expect(await ask('/v2/account')).toMatchObject({ status: 404, body: { type: 'urn:holdfast:no-such-route' } })
    expect(await ask('/v1/account', { method: 'PUT' })).toMatchObject({ status: 404 })
  })

  it('and what is no HTTP ends the connection, not the gateway', async () => {
    const { ask, port } = await startWorld()
    expect(await exchange(port, 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
    expect((await ask('/healthz')).status).toBe(200)
  })
})
