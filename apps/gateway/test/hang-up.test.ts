import { describe, expect, it } from 'vitest'
import { eventually, ORDER, startWorld, type World } from './support.ts'

/** Far beyond what a test waits, so that what ends earlier was ended by the client's leaving. */
const PATIENT = { alpaca: { attemptTimeoutMs: 60_000, timeoutMs: 60_000 }, polygon: { attemptTimeoutMs: 60_000 } }

/** Begins a request, and hangs up once the service has it. */
async function askAndHangUp({ ask, standIns }: World, path: string, service: string, body?: object): Promise<void> {
  const client = new AbortController()
  const method = body === undefined ? 'GET' : 'POST'
  const asked = ask(path, { method, body, signal: client.signal })
  await eventually(() => expect(standIns.control.stats(service).requests).toBe(1))
  client.abort()
  await expect(asked).rejects.toThrow()
}

describe('a client that hangs up', () => {
  it.each([
    ['/v1/account', 'alpaca'],
    ['/v1/positions', 'alpaca'],
    ['/v1/orders/some-order', 'alpaca'],
    ['/v1/quotes/AAPL', 'polygon'],
    ['/v1/bars/AAPL?from=2025-12-01&to=2025-12-31', 'polygon'],
  ])('takes its read of %s back, and leaves nothing behind', async (path, name) => {
    const world = await startWorld({ services: PATIENT })
    const { standIns, upstreams, ask } = world
    standIns.control.setFaults(name, { action: { type: 'hang' } })
    await askAndHangUp(world, path, name)
    await eventually(() => expect(standIns.control.stats(name).byStatus).toEqual({ none: 1 }))
    const service = upstreams.resilience.service(name)
    await eventually(() => expect(service.bulkhead?.snapshot().active).toBe(0))
    expect(service.circuitBreaker?.failureCount).toBe(0)
    standIns.control.clearFaults(name)
    expect((await ask('/v1/quotes/AAPL')).status).toBe(200)
  })

  it('does not take back an order that was sent', async () => {
    const world = await startWorld({ services: PATIENT })
    const { standIns, upstreams } = world
    standIns.control.setFaults('alpaca', { action: { type: 'latency', dist: 'fixed', ms: 200 } })
    await askAndHangUp(world, '/v1/orders', 'alpaca', { ...ORDER, clientOrderId: 'intent-1' })
    await eventually(() =>
      expect(standIns.control.ledger()).toMatchObject([{ clientOrderId: 'intent-1', acked: true }]),
    )
    expect(standIns.control.stats('alpaca').byStatus).toEqual({ 200: 1 })
    await eventually(() => expect(upstreams.resilience.service('alpaca').bulkhead?.snapshot().active).toBe(0))
  })
})
