/** Pages in a browser that can reach the gateway, those of others above all. */
import { describe, expect, it } from 'vitest'
import { ROUTE_DOCS } from '../src/reference/routes.ts'
import { tokenBook } from './control/support.ts'
import { ORDER, startWorld } from './support.ts'

/** Not the session: who signs in has a token, and who signs out a cookie, which a browser gives to no other name. */
const CHANGING = Object.keys(ROUTE_DOCS).filter((route) => !/^GET |session$/.test(route))

describe('a page of somebody else', () => {
  it.each(CHANGING)('changes nothing by %s, also when its name has come to point here', async (route) => {
    const { ask } = await startWorld({ control: { tokens: tokenBook() } })
    const [method = '', path = ''] = route.split(' ')
    const headers = { host: 'evil.example:8080', origin: 'http://evil.example:8080' }
    const { status } = await ask(path.replace(/:\w+/g, 'some-id'), {
      method,
      headers,
      ...(method === 'DELETE' ? {} : { body: {} }),
    })
    expect([401, 403]).toContain(status)
  })

  it('is told so by the OpenAPI document, too', async () => {
    const { ask } = await startWorld({ control: { tokens: tokenBook() } })
    const { body } = await ask('/openapi.json')
    for (const route of CHANGING) {
      const [method = '', path = ''] = route.split(' ')
      const responses = { 403: { content: { 'application/problem+json': {} } } }
      const operation = { [path.replace(/:(\w+)/g, '{$1}')]: { [method.toLowerCase()]: { responses } } }
      expect(body).toMatchObject({ paths: operation })
    }
  })

  it.each([
    { host: 'evil.example', origin: 'http://evil.example' },
    { host: 'evil.example', 'sec-fetch-site': 'same-origin' },
    { host: '127.0.0.1.evil.example', origin: 'http://127.0.0.1.evil.example' },
    { host: '127.0.0.1:8080', origin: 'http://evil.example' },
    { host: '127.0.0.1:8080', origin: 'null' },
    { host: '127.0.0.1:8080', origin: 'http://127.0.0.1:3000' },
    { host: '127.0.0.1:8080', origin: 'http://127.0.0.1:8080', 'sec-fetch-site': 'cross-site' },
    { host: '', origin: 'http://' },
  ])('places no order: %j', async (headers) => {
    const { ask, standIns } = await startWorld()
    const answer = await ask('/v1/orders', { method: 'POST', headers, body: ORDER })
    expect(answer).toMatchObject({ status: 403, body: { type: 'urn:holdfast:foreign-page' } })
    expect(standIns.control.ledger()).toHaveLength(0)
  })
})

describe('orders are taken', () => {
  it.each([
    [{ host: 'desk.example' }, 'a program, by whatever name'],
    [{ host: '127.0.0.1:8080', origin: 'http://127.0.0.1:8080' }, 'a page that was loaded from here, by address'],
    [{ host: '[::1]:8080', origin: 'http://[::1]:8080' }, 'and by another'],
    [{ host: 'localhost:8080', origin: 'http://localhost:8080', 'sec-fetch-site': 'same-origin' }, 'or as localhost'],
  ])('%j: %s', async (headers, _who) => {
    const { ask, standIns } = await startWorld()
    expect((await ask('/v1/orders', { method: 'POST', headers, body: ORDER })).status).toBe(201)
    expect(standIns.control.ledger()).toHaveLength(1)
  })
})
