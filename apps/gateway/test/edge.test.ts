/** What the gateway's edge does besides limiting: sheds, obeys deadlines, and bears with no slow client. */
import { VirtualClock } from '@holdfast/testing'
import { describe, expect, it, vi } from 'vitest'
import { exchange } from './exchange.ts'
import { ORDER, startWorld } from './support.ts'

describe('under too much load', () => {
  it('history goes first, then reads; orders and their cancellation, health and control go last', async () => {
    const { ask, standIns } = await startWorld({ shedding: { maxInFlight: 10 } })
    standIns.control.setFaults('polygon', { action: { type: 'hang' } })
    standIns.control.setFaults('alpaca', { action: { type: 'hang' } })
    const leave = new AbortController()
    const begin = (path: string, count: number) => {
      for (let request = 0; request < count; request++) ask(path, { signal: leave.signal }).catch(() => undefined)
    }
    begin('/v1/quotes/AAPL', 5)
    // Without dates it is answered 400 as soon as it is let in.
    await vi.waitFor(async () => expect((await ask('/v1/bars/AAPL')).status).toBe(503))
    const bars = await ask('/v1/bars/AAPL')
    expect(bars).toMatchObject({ status: 503, body: { type: 'urn:holdfast:overloaded' } })
    expect(bars.headers['retry-after']).toBe('5')
    begin('/v1/account', 3)
    await vi.waitFor(async () => expect((await ask('/v1/resilience')).status).toBe(503))
    expect((await ask('/healthz')).status).toBe(200)
    expect((await ask('/v1/orders', { method: 'POST', body: { ...ORDER, symbol: '' } })).status).toBe(400)
    leave.abort()
    await vi.waitFor(async () => expect((await ask('/v1/resilience')).status).toBe(200))
  })
})

describe('a deadline', () => {
  it.each([
    ['/v1/account', 'alpaca'],
    ['/v1/quotes/AAPL', 'polygon'],
  ])('of a request to %s ends the attempt at the service', async (path, service) => {
    const clock = new VirtualClock()
    const { ask, standIns } = await startWorld({ clock })
    standIns.control.setFaults(service, { action: { type: 'hang' } })
    const asked = ask(path, { headers: { 'x-request-deadline-ms': '300' } })
    await vi.waitFor(() => expect(standIns.control.stats(service).requests).toBe(1))
    await clock.advance(300)
    expect(await asked).toMatchObject({ status: 504 })
    await vi.waitFor(() => expect(standIns.control.stats(service).byStatus).toEqual({ none: 1 }))
  })

  it('that has passed already, or is none, is answered before anything is done', async () => {
    const { ask, standIns } = await startWorld()
    const within = (deadline: string) => ask('/v1/account', { headers: { 'x-request-deadline-ms': deadline } })
    expect([(await within('0')).status, (await within('soon')).status]).toEqual([504, 400])
    expect(standIns.control.log()).toHaveLength(0)
  })
})

it('what is no HTTP is answered with a problem', async () => {
  const { port } = await startWorld()
  expect(await exchange(port, 'BREW / HTTP/9.9\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*application\/problem\+json/s)
})
