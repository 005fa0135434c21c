/** What is turned away under too much load, on every framework, over real sockets. */
import { connect, type Socket } from 'node:net'
import { VirtualClock } from '@holdfast/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { FRAMEWORKS, type Route } from '../support/frameworks.ts'
import { ask, statusesOf } from '../support/raw-http.ts'

const PRIORITIES = ['critical', 'normal', 'background'] as const

/** A route of each priority that answers when it is told to, and counts what it has begun. */
function heldRoutes() {
  let begun = 0
  let letGo: () => void = () => undefined
  const held = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const routes = PRIORITIES.flatMap((priority): Route[] => {
    const answer = async () => {
      begun++
      await held
      return 'done'
    }
    return (['GET', 'POST'] as const).map((method) => ({ method, path: `/${priority}`, priority, answer }))
  })
  return { routes, letGo, begun: (count: number) => vi.waitFor(() => expect(begun).toBe(count)) }
}

/** A connection that has sent so much and no more. */
function sends(port: number, text: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text, () => resolve(socket)))
    socket.on('error', reject).resume()
    onTestFinished(() => void socket.destroy())
  })
}

const GET = 'GET /critical HTTP/1.1\r\nhost: a\r\n\r\n'

describe.each(FRAMEWORKS)('$name under too much load', ({ serve }) => {
  it('turns away by priority, with 503 and Retry-After, and takes all again when it has room', async () => {
    const { routes, letGo, begun } = heldRoutes()
    const port = await serve({ shedding: { maxInFlight: 10 }, routes })
    const asked = ['background', 'background', 'background', 'background', 'background'].map((path) =>
      ask(port, { path: `/${path}` }),
    )
    await begun(5)
    const refused = await ask(port, { path: '/background' })
    expect([refused.status, refused.headers['retry-after'], refused.headers['content-type']]).toEqual([
      503,
      '5',
      expect.stringMatching(/^application\/problem\+json/),
    ])
    expect(JSON.parse(refused.body)).toMatchObject({ status: 503, type: 'urn:holdfast:overloaded', retryAfter: 5 })
    for (let request = 0; request < 3; request++) asked.push(ask(port, { path: '/normal' }))
    await begun(8)
    expect(await statusesOf(port, [{ path: '/normal' }, { path: '/background' }])).toEqual([503, 503])
    for (let request = 0; request < 2; request++) asked.push(ask(port, { path: '/critical' }))
    await begun(10)
    expect(await statusesOf(port, [{ path: '/critical' }])).toEqual([503])
    letGo()
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(new Array(10).fill(200))
    await vi.waitFor(async () => expect(await statusesOf(port, [{ path: '/background' }])).toEqual([200]))
  })

  it('takes nothing from the limit of whom it turns away', async () => {
    const { routes, begun } = heldRoutes()
    const limits = { tokensPerSecond: 1, burstSize: 2, clock: new VirtualClock() }
    const port = await serve({ shedding: { maxInFlight: 1 }, limits, routes })
    const socket = await sends(port, GET)
    await begun(1)
    expect(await statusesOf(port, [{}, {}, {}])).toEqual([503, 503, 503])
    socket.destroy()
    await vi.waitFor(async () => expect((await ask(port)).headers.ratelimit).toBe('"default";r=0;t=2'))
  })

  it('gives a place back when the connection is gone', async () => {
    const { routes, begun } = heldRoutes()
    const port = await serve({ shedding: { maxInFlight: 2 }, routes })
    const sockets = await Promise.all([sends(port, GET), sends(port, GET)])
    await begun(2)
    expect(await statusesOf(port, [{}])).toEqual([503])
    for (const socket of sockets) socket.destroy()
    await vi.waitFor(async () => expect(await statusesOf(port, [{}])).toEqual([200]))
  })

  it('gives the places of requests in one packet back, when the connection is gone, each once', async () => {
    const { routes, begun } = heldRoutes()
    const port = await serve({ shedding: { maxInFlight: 8 }, routes })
    const socket = await sends(port, GET.repeat(8))
    await begun(8)
    expect(await statusesOf(port, [{}])).toEqual([503])
    socket.destroy()
    await vi.waitFor(async () => expect(await statusesOf(port, [{}])).toEqual([200]))
    await sends(port, GET.repeat(20))
    await begun(16)
    expect(await statusesOf(port, [{}])).toEqual([503])
  })

  it('keeps no place for who has not sent all of a request', async () => {
    const { routes } = heldRoutes()
    const port = await serve({ shedding: { maxInFlight: 1 }, routes })
    for (let client = 0; client < 5; client++) {
      await sends(port, 'GET /critical HTTP/1.1\r\nhost: a\r\nx-slow: ')
      await sends(port, 'POST /critical HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nhalf')
      await sends(port, 'POST /critical HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n10\r\nhalf')
    }
    expect(await statusesOf(port, [{}, {}, {}])).toEqual([200, 200, 200])
  })

  it('counts who sends a body from the moment that it is there', async () => {
    const { routes, begun } = heldRoutes()
    const port = await serve({ shedding: { maxInFlight: 1 }, routes })
    const socket = await sends(port, 'POST /critical HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nha')
    expect(await statusesOf(port, [{}])).toEqual([200])
    socket.write('lf')
    await begun(1)
    expect(await statusesOf(port, [{}])).toEqual([503])
  })

  it('turns away while its event loop is late, by priority', async () => {
    const clock = new VirtualClock()
    const routes = PRIORITIES.map(
      (priority): Route => ({ method: 'GET', path: `/${priority}`, priority, answer: () => 'done' }),
    )
    const busy: Route = {
      method: 'GET',
      path: '/busy',
      priority: 'critical',
      answer: () => {
        clock.block(130)
        return 'at last'
      },
    }
    const port = await serve({ shedding: { maxEventLoopDelayMs: 50, clock }, routes: [...routes, busy] })
    const each = PRIORITIES.map((priority) => ({ path: `/${priority}` }))
    expect(await statusesOf(port, each)).toEqual([200, 200, 200])
    await ask(port, { path: '/busy' })
    expect(await statusesOf(port, each)).toEqual([200, 503, 503])
    await clock.advance(0)
    expect(await statusesOf(port, each)).toEqual([200, 200, 503])
    await clock.advance(1_000)
    expect(await statusesOf(port, each)).toEqual([200, 200, 200])
  })
})
