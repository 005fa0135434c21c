/** Cancellations have a lane of their own: through the real SDK, over real sockets, against the stand-in. */
import { CircuitOpenError } from 'holdfast'
import { describe, expect, it, vi } from 'vitest'
import { acceptedOrder, type Broker, type Order } from '../../src/index.ts'
import { rejection, startBench } from '../support.ts'

const resting = { symbol: 'AAPL', side: 'buy', quantity: '1', type: 'limit', limitPrice: '1.25' } as const
const reads = { method: 'GET' }
const patient = { timeout: 10_000 }

async function placed(broker: Broker): Promise<Order> {
  return acceptedOrder(await broker.submitOrder(resting))
}

describe('a cancellation', () => {
  it('goes before all reads that wait, in the slot that is kept for it', async () => {
    const { broker, upstreams } = await startBench({ alpaca: { bulkhead: { acquireTimeoutMs: 10_000 } } })
    const { id } = await placed(broker)
    upstreams.control.setFaults('alpaca', { match: reads, action: { type: 'hang' } })
    const controller = new AbortController()
    const { signal } = controller
    const readings = Array.from({ length: 20 }, () => rejection(broker.getPositions({ signal })))
    await vi.waitFor(() => expect(broker.service.bulkhead?.queued).toBe(16), patient)
    expect(await broker.cancelOrder(id)).toEqual({ status: 'requested', orderId: id })
    expect(broker.service.bulkhead?.queued).toBe(16)
    controller.abort()
    await Promise.all(readings)
  })

  it('of an order whose cancellation is under way is no error: the broker has been asked', async () => {
    const { broker, upstreams } = await startBench()
    upstreams.control.setCancellationLag(60_000)
    const { id } = await placed(broker)
    expect(await broker.cancelOrder(id)).toEqual({ status: 'requested', orderId: id })
    expect(await broker.cancelOrder(id)).toEqual({ status: 'requested', orderId: id })
    expect(await broker.getOrder(id)).toMatchObject({ status: 'pending_cancel', isOpen: true })
    expect(upstreams.control.ledger().map(({ kind }) => kind)).toEqual(['submit', 'cancel'])
  })

  it('has tokens that reads cannot take', async () => {
    const rateLimiter = { tokensPerSecond: 0.01, burstSize: 10 }
    const { broker } = await startBench({ alpaca: { rateLimiter } })
    const { id } = await placed(broker)
    const readings = await Promise.allSettled(Array.from({ length: 10 }, () => broker.getPositions()))
    expect(readings.filter(({ status }) => status === 'fulfilled')).toHaveLength(7)
    expect(await broker.cancelOrder(id)).toMatchObject({ status: 'requested' })
    await broker.cancelAll()
  })

  it('passes an open circuit as a probe, and closes it when it is answered', async () => {
    const { broker, upstreams } = await startBench({ alpaca: { retry: { maxRetries: 0 } } })
    const { id } = await placed(broker)
    upstreams.control.setFaults('alpaca', { match: reads, action: { type: 'status', code: 500 } })
    for (let read = 0; read < 3; read++) await rejection(broker.getPositions())
    expect(await rejection(broker.getPositions())).toBeInstanceOf(CircuitOpenError)
    expect(await broker.cancelOrder(id)).toMatchObject({ status: 'requested' })
    expect(broker.service.circuitBreaker?.state).toBe('CLOSED')
    expect(upstreams.control.ledger().map(({ kind }) => kind)).toEqual(['submit', 'cancel'])
  })

  it('is tried again through a circuit that its own failures keep open', async () => {
    const { broker, upstreams } = await startBench()
    const { id } = await placed(broker)
    upstreams.control.setFaults('alpaca', { match: { times: 5 }, action: { type: 'status', code: 500 } })
    for (let read = 0; read < 3; read++) await rejection(broker.getPositions())
    expect(broker.service.circuitBreaker?.state).toBe('OPEN')
    expect(await broker.cancelOrder(id)).toMatchObject({ status: 'requested' })
  })

  it('passes while a probe is out, several at a time', async () => {
    const { broker, upstreams } = await startBench({ alpaca: { retry: { maxRetries: 0 } } })
    const orders = [await placed(broker), await placed(broker), await placed(broker)]
    upstreams.control.setFaults('alpaca', { match: reads, action: { type: 'status', code: 500 } })
    for (let read = 0; read < 3; read++) await rejection(broker.getPositions())
    const outcomes = await Promise.all(orders.map(({ id }) => broker.cancelOrder(id)))
    expect(outcomes.map(({ status }) => status)).toEqual(['requested', 'requested', 'requested'])
  })

  it('is refused by a circuit that was opened by hand: an operator’s word stands', async () => {
    const { broker, upstreams } = await startBench()
    const { id } = await placed(broker)
    broker.service.circuitBreaker?.trip('maintenance')
    expect(await rejection(broker.cancelOrder(id))).toBeInstanceOf(CircuitOpenError)
    expect(upstreams.control.stats('alpaca').requests).toBe(1)
  })
})
