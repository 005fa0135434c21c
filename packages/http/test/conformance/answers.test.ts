/** What a client is told, on every framework, over real sockets. */
import { describe, expect, it, vi } from 'vitest'
import { FRAMEWORKS, type Route } from '../support/frameworks.ts'
import { still, stillPerClient } from '../support/limits.ts'
import { ask, statusesOf } from '../support/raw-http.ts'

describe.each(FRAMEWORKS)('an answer on $name', ({ serve }) => {
  it('says what is left, whatever it is', async () => {
    const broken: Route = { method: 'GET', path: '/broken', answer: () => Promise.reject(new Error('broken')) }
    const port = await serve({ limits: still(10), routes: [broken] })
    const told: unknown[] = []
    for (const path of ['/', '/broken', '/nowhere']) {
      const { status, headers } = await ask(port, { path })
      told.push([status, headers.ratelimit, headers['ratelimit-policy'], headers['retry-after']])
    }
    expect(told).toEqual([
      [200, '"default";r=9;t=1', '"default";q=10;w=10', undefined],
      [500, '"default";r=8;t=2', '"default";q=10;w=10', undefined],
      [404, '"default";r=7;t=3', '"default";q=10;w=10', undefined],
    ])
  })

  it('of 429 is problem+json with Retry-After, and names the limit', async () => {
    const port = await serve({ limits: stillPerClient(1) })
    await ask(port)
    const { status, headers, body } = await ask(port)
    expect(status).toBe(429)
    expect(headers['content-type']).toMatch(/^application\/problem\+json(; charset=utf-8)?$/)
    expect(headers).toMatchObject({
      'retry-after': '1',
      ratelimit: '"default";r=0;t=1',
      'ratelimit-policy': '"default";q=1;w=1',
    })
    expect(JSON.parse(body)).toEqual({
      type: 'urn:holdfast:too-many-requests',
      title: 'Too many requests',
      status: 429,
      detail: 'your limit of 1 requests at once is used up; come back in 1 s',
      retryAfter: 1,
      'violated-policies': ['default'],
    })
  })

  it('of 429 to HEAD has the same headers and no body', async () => {
    const port = await serve({ limits: still(1) })
    await ask(port)
    const { status, headers, body } = await ask(port, { method: 'HEAD' })
    expect([status, headers['retry-after'], body]).toEqual([429, '1', ''])
  })

  it('of 429 comes before the route has run', async () => {
    let ran = 0
    const port = await serve({
      limits: still(1),
      routes: [{ method: 'POST', path: '/orders', answer: () => String(++ran) }],
    })
    const order = { method: 'POST', path: '/orders', body: '{}' }
    expect(await statusesOf(port, [order, order])).toEqual([200, 429])
    expect(ran).toBe(1)
  })

  it('has the old headers too, if they are wanted', async () => {
    const port = await serve({ limits: { ...still(2), legacyHeaders: true } })
    const old = (headers: object) => Object.entries(headers).filter(([name]) => name.startsWith('x-ratelimit-'))
    const told = [old((await ask(port)).headers), old((await ask(port)).headers), old((await ask(port)).headers)]
    const names = ['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset']
    const rows = [
      ['2', '1', '1'],
      ['2', '0', '2'],
      ['2', '0', '1'],
    ]
    expect(told).toEqual(rows.map((row) => row.map((value, index) => [names[index], value])))
  })

  it('keeps the headers and the status that the route has set', async () => {
    const port = await serve({
      limits: still(2),
      routes: [{ method: 'POST', path: '/echo', answer: (body) => `you said ${body}` }],
    })
    const { status, headers, body } = await ask(port, { method: 'POST', path: '/echo', body: 'buy' })
    expect([status, body]).toEqual([200, 'you said buy'])
    expect(headers['content-type']).toMatch(/^text\/plain/)
  })
})

describe.each(FRAMEWORKS)('onLimited on $name', ({ serve }) => {
  it('is told of each request that is turned away', async () => {
    const told: unknown[] = []
    const port = await serve({
      limits: { ...still(1), user: (header) => header('x-user'), onLimited: (limited) => void told.push(limited) },
    })
    const path = `/?q=${'x'.repeat(1_000)}`
    await ask(port, { path, headers: { 'x-user': 'ada' } })
    await ask(port, { path, headers: { 'x-user': 'bob' } })
    expect(told).toEqual([{ client: 'user:bob', method: 'GET', url: path.slice(0, 256) }])
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('pager is down')
      },
    ],
    ['rejects', () => Promise.reject(new Error('pager is down'))],
  ])('changes nothing when it %s, and is reported', async (_how, onLimited) => {
    const onHookError = vi.fn()
    const port = await serve({ limits: { ...still(1), onLimited, onHookError } })
    expect(await statusesOf(port, [{}, {}])).toEqual([200, 429])
    expect(onHookError.mock.calls).toEqual([[expect.objectContaining({ message: 'pager is down' }), 'onLimited']])
  })
})
