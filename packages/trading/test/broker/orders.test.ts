/** Orders through the real SDK, over real sockets, against the stand-in and its ledger. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { Alpaca } from '@alpacahq/alpaca-trade-api/rest'
import { CircuitOpenError, describeFailure } from 'holdfast'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createAlpacaBroker } from '../../src/alpaca/alpaca-broker.ts'
import {
  acceptedOrder,
  type BrokerEvent,
  InvalidRequestError,
  memoryJournal,
  NeverSentError,
  OrderInDoubtError,
  OrderRefusedError,
} from '../../src/index.ts'
import { rejection, startBench } from '../support.ts'

const order = { symbol: 'aapl', side: 'buy', quantity: '2', type: 'market' } as const
const resting = { ...order, type: 'limit', limitPrice: '1.25' } as const
const posts = { method: 'POST' }
/** Real sockets on a busy machine. */
const patient = { timeout: 10_000 }

/** Short only where it is waited for: a busy machine must not make a timeout of an answer. */
const limitFor = ({ type }: { readonly type: string }) => ({ attemptTimeoutMs: type === 'hang' ? 1_000 : 10_000 })

describe('an order', () => {
  it('is placed, found by either id, and cancelled', async () => {
    const { broker, upstreams } = await startBench()
    const outcome = await broker.submitOrder({ ...resting, clientOrderId: 'intent-1' })
    expect(outcome).toMatchObject({ status: 'accepted', clientOrderId: 'intent-1', evidence: 'answer' })
    const placed = acceptedOrder(outcome)
    expect(placed).toMatchObject({
      symbol: 'AAPL',
      quantity: '2',
      limitPrice: '1.25',
      averageFillPrice: null,
      isOpen: true,
    })
    expect(await broker.getOrder(placed.id)).toMatchObject({ id: placed.id })
    expect(await broker.findOrder('intent-1')).toMatchObject({ id: placed.id })
    expect(await broker.getOpenOrders()).toMatchObject([{ id: placed.id }])
    expect(await broker.cancelOrder(placed.id)).toEqual({ status: 'requested', orderId: placed.id })
    expect(await broker.getOrder(placed.id)).toMatchObject({ status: 'canceled', isOpen: false })
    expect(upstreams.control.ledger().map(({ kind }) => kind)).toEqual(['submit', 'cancel'])
  })

  it('gets an id of its own, once, that stays the same when it is sent again', async () => {
    const { broker, upstreams } = await startBench()
    upstreams.control.setFaults('alpaca', {
      match: { ...posts, times: 1 },
      action: { type: 'rate429', retryAfterSec: 0 },
    })
    const { clientOrderId } = acceptedOrder(await broker.submitOrder(order))
    expect(clientOrderId).toMatch(/^[0-9a-f-]{36}$/)
    expect(upstreams.control.stats('alpaca').requests).toBe(2)
    expect(upstreams.control.ledger()).toMatchObject([{ kind: 'submit', clientOrderId }])
  })

  it.each([
    ['the connection breaks after it took effect', { type: 'resetAfter' }],
    ['the answer is a 500, after all', { type: 'status', code: 500, executed: true }],
    ['the answer is a 504, after all', { type: 'status', code: 504, executed: true }],
    ['the answer is a 503 that names no time', { type: 'status', code: 503, executed: true }],
    [
      'the answer says that it timed out, and it did not',
      {
        type: 'status',
        code: 400,
        body: { code: 1, message: 'Order request timed out. Please check the order book' },
        executed: true,
      },
    ],
    ['the answer makes no sense', { type: 'malformed', mode: 'html' }],
    ['the answer is empty', { type: 'malformed', mode: 'empty' }],
    ['the answer breaks off', { type: 'partial', bytes: 20 }],
    ['the answer is not an order', { type: 'drift', drop: 'id' }],
    ['there is no answer', { type: 'hang', where: 'after' }],
    ['the broker hangs up', { type: 'fin', where: 'after' }],
  ])('is looked up, not sent again, when %s', async (_name, action) => {
    const { broker, upstreams } = await startBench({ alpaca: limitFor(action) })
    upstreams.control.setFaults('alpaca', { match: posts, action })
    const outcome = await broker.submitOrder({ ...resting, clientOrderId: 'intent-7' })
    expect(outcome).toMatchObject({ status: 'accepted', order: { clientOrderId: 'intent-7' }, evidence: 'lookup' })
    expect(upstreams.control.ledger()).toMatchObject([{ kind: 'submit', clientOrderId: 'intent-7' }])
    expect(broker.inDoubt()).toEqual([])
  })

  it.each([
    ['the connection breaks before it took effect', { type: 'reset', where: 'before' }],
    ['the answer is a 500', { type: 'status', code: 500 }],
    ['there is no answer', { type: 'hang', where: 'before' }],
  ])(
    'is sent again under the same id, once the broker has said long enough that it does not have it, when %s',
    async (_name, action) => {
      const { broker, upstreams } = await startBench({ alpaca: limitFor(action) })
      upstreams.control.setFaults('alpaca', { match: { ...posts, times: 1 }, action })
      const outcome = await broker.submitOrder({ ...order, clientOrderId: 'intent-8' })
      expect(outcome).toMatchObject({ status: 'accepted', evidence: 'answer' })
      const asked = upstreams.control.log().map(({ method, path }) => `${method} ${path.split('?')[0]}`)
      expect(asked.indexOf('GET /v2/orders:by_client_order_id')).toBe(1)
      expect(asked.filter((line) => line.startsWith('GET'))).toHaveLength(3)
      expect(upstreams.control.ledger()).toMatchObject([{ kind: 'submit', clientOrderId: 'intent-8', attempt: 1 }])
    },
  )

  it('that shows only later is not doubled, however often it is asked for', async () => {
    const { broker, upstreams } = await startBench()
    upstreams.control.setVisibilityLag(60_000)
    upstreams.control.setFaults('alpaca', { match: { ...posts, times: 1 }, action: { type: 'resetAfter' } })
    const request = { ...resting, clientOrderId: 'intent-9' }
    const controller = new AbortController()
    const asking = broker.submitOrder(request, { signal: controller.signal })
    // Not found in any look, it is sent again, and refused as a second one: the first must be there.
    const sent = () => upstreams.control.log().filter(({ method }) => method === 'POST')
    await vi.waitFor(() => expect(new Set(sent().map(({ status }) => status))).toEqual(new Set([null, 422])), patient)
    controller.abort()
    const outcome = await asking
    expect(outcome).toMatchObject({ status: 'in-doubt', clientOrderId: 'intent-9' })
    upstreams.control.setVisibilityLag(0)
    if (outcome.status !== 'in-doubt') throw new Error('it was to be in doubt')
    expect(await broker.reconcile(outcome)).toMatchObject({ status: 'accepted', order: { clientOrderId: 'intent-9' } })
    expect(upstreams.control.ledger()).toHaveLength(1)
  })

  it('whose id is taken at the second attempt arrived with the first: that is the result', async () => {
    const { broker, upstreams } = await startBench()
    // A broker that executes and then claims to have refused: the worst of edges.
    upstreams.control.setFaults('alpaca', {
      match: { ...posts, times: 1 },
      action: { type: 'status', code: 429, executed: true, headers: { 'retry-after': '0' } },
    })
    const outcome = await broker.submitOrder({ ...resting, clientOrderId: 'intent-10' })
    expect(outcome).toMatchObject({ status: 'accepted', evidence: 'duplicate-id', clientOrderId: 'intent-10' })
    expect(upstreams.control.ledger()).toHaveLength(1)
  })

  it('whose caller gives up while it is under way is in doubt, and is reconciled behind his back', async () => {
    const { broker, upstreams } = await startBench()
    const events: BrokerEvent[] = []
    broker.events.subscribe((event) => events.push(event))
    upstreams.control.setFaults('alpaca', { match: posts, action: { type: 'hang', where: 'after' } })
    const controller = new AbortController()
    const result = broker.submitOrder(resting, { signal: controller.signal })
    await vi.waitFor(() => expect(upstreams.control.ledger()).toHaveLength(1), patient)
    controller.abort(new Error('no longer wanted'))
    const outcome = await result
    expect(outcome).toMatchObject({ status: 'in-doubt', entry: { state: 'in-doubt' } })
    expect(() => acceptedOrder(outcome)).toThrow(OrderInDoubtError)
    await vi.waitFor(
      () => expect(events.map(({ type }) => type)).toEqual(['recovered', 'in-doubt', 'reconciled']),
      patient,
    )
    expect(broker.inDoubt()).toEqual([])
  })

  it('is in doubt although its caller’s reason for giving up looks like a proof that nothing was sent', async () => {
    const { broker, upstreams } = await startBench()
    upstreams.control.setVisibilityLag(60_000)
    upstreams.control.setFaults('alpaca', { match: posts, action: { type: 'hang', where: 'after' } })
    const controller = new AbortController()
    const result = broker.submitOrder(order, { signal: controller.signal })
    await vi.waitFor(() => expect(upstreams.control.ledger()).toHaveLength(1), patient)
    controller.abort(Object.assign(new Error('another service is down'), { code: 'ECONNREFUSED', syscall: 'connect' }))
    expect(await result).toMatchObject({ status: 'in-doubt' })
  })

  it('whose caller’s time is up is in doubt, and is reconciled behind his back', async () => {
    const { broker, upstreams } = await startBench()
    const told = new Promise<BrokerEvent>((resolve) => {
      broker.events.subscribe((event) => event.type === 'reconciled' && resolve(event))
    })
    upstreams.control.setFaults('alpaca', { match: posts, action: { type: 'hang', where: 'after' } })
    const outcome = await broker.submitOrder(order, { timeoutMs: 1_000 })
    expect(outcome).toMatchObject({ status: 'in-doubt', error: { code: 'HOLDFAST_TRADING_ORDER_IN_DOUBT' } })
    expect(await told).toMatchObject({ outcome: { status: 'accepted', evidence: 'lookup' } })
  })

  it('that was refused by our own guard was never sent', async () => {
    const { broker, upstreams, resilience } = await startBench()
    resilience.service('alpaca').circuitBreaker?.trip('maintenance')
    const outcome = await broker.submitOrder(order)
    expect(outcome).toMatchObject({ status: 'never-sent' })
    if (outcome.status !== 'never-sent') throw new Error('it was not to be sent')
    expect(outcome.cause).toBeInstanceOf(CircuitOpenError)
    expect(() => acceptedOrder(outcome)).toThrow(NeverSentError)
    expect(upstreams.control.stats('alpaca').requests).toBe(0)
    resilience.service('alpaca').circuitBreaker?.reset()
    expect(await broker.resubmitOrder(outcome)).toMatchObject({
      status: 'accepted',
      clientOrderId: outcome.clientOrderId,
    })
  })

  it('whose time is up while it waits for a connection was never sent, which only the wire can tell', async () => {
    const { resilience } = await startBench()
    // It takes connections and never speaks TLS.
    const silent = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void silent.close())
    await once(silent, 'listening')
    const address = silent.address()
    const client = new Alpaca({
      keyId: 'key',
      secret: 'secret',
      retry: false,
      rateLimit: false,
      fetchApi: (url, init) =>
        fetch(`https://127.0.0.1:${typeof address === 'object' ? address?.port : ''}${new URL(url).pathname}`, init),
    })
    const broker = createAlpacaBroker({ service: resilience.service('alpaca'), journal: memoryJournal(), client })
    await broker.open()
    const outcome = await broker.submitOrder(order, { timeoutMs: 1_000 })
    expect(outcome).toMatchObject({ status: 'never-sent', cause: { code: 'HOLDFAST_NEVER_SENT' } })
  })

  it('that the broker refuses is refused, and stays so', async () => {
    const { broker, upstreams } = await startBench()
    const unaffordable = { ...order, quantity: '1000000', clientOrderId: 'intent-11' }
    const outcome = await broker.submitOrder(unaffordable)
    expect(outcome).toMatchObject({ status: 'refused', resendable: false })
    if (outcome.status !== 'refused') throw new Error('it was to be refused')
    expect(outcome.reason).toContain('insufficient buying power')
    expect(describeFailure(outcome.cause)).toMatchObject({ status: 403, kind: 'refused' })
    expect(() => acceptedOrder(outcome)).toThrow(OrderRefusedError)
    expect(await broker.submitOrder(unaffordable)).toMatchObject({ status: 'refused', cause: undefined })
    expect(upstreams.control.stats('alpaca').requests).toBe(1)
  })

  it('that was turned away for being too fast may be submitted again', async () => {
    const { broker, upstreams } = await startBench({ alpaca: { retry: { maxRetries: 0 } } })
    upstreams.control.setFaults('alpaca', {
      match: { ...posts, times: 1 },
      action: { type: 'rate429', retryAfterSec: 0 },
    })
    const outcome = await broker.submitOrder({ ...order, clientOrderId: 'intent-12' })
    expect(outcome).toMatchObject({ status: 'refused', resendable: true, retryAfterMs: 0 })
    expect(await broker.submitOrder({ ...order, clientOrderId: 'intent-12' })).toMatchObject({ status: 'accepted' })
  })
})

describe('the same request with the same id', () => {
  it('is the same order: it comes to the same outcome, and is sent once', async () => {
    const { broker, upstreams } = await startBench()
    const request = { ...order, clientOrderId: 'intent-20' }
    const [one, two] = await Promise.all([broker.submitOrder(request), broker.submitOrder(request)])
    expect(one).toEqual(two)
    const later = await broker.submitOrder(request)
    expect(later).toMatchObject({ status: 'accepted', evidence: 'journal', order: { id: acceptedOrder(one).id } })
    expect(upstreams.control.stats('alpaca').requests).toBe(1)
  })

  it('but another content is a mistake of the caller’s, and nothing is sent', async () => {
    const { broker, upstreams } = await startBench()
    upstreams.control.setFaults('alpaca', { action: { type: 'latency', ms: 50 } })
    const first = broker.submitOrder({ ...order, clientOrderId: 'intent-21' })
    const other = { ...order, quantity: '3', clientOrderId: 'intent-21' }
    expect(await rejection(broker.submitOrder(other))).toBeInstanceOf(InvalidRequestError)
    await first
    expect(await rejection(broker.submitOrder(other))).toBeInstanceOf(InvalidRequestError)
    expect(upstreams.control.ledger()).toHaveLength(1)
  })

  it('is the order that the broker has from before the journal, if it is the same, and refused if it is another', async () => {
    const { broker, upstreams } = await startBench()
    const headers = { 'content-type': 'application/json', 'apca-api-key-id': 'key', 'apca-api-secret-key': 'secret' }
    const body = { symbol: 'AAPL', side: 'buy', qty: '2', type: 'market', time_in_force: 'day', client_order_id: 'old' }
    await fetch(`${upstreams.urls.alpaca}/v2/orders`, { method: 'POST', headers, body: JSON.stringify(body) })
    expect(await broker.submitOrder({ ...order, clientOrderId: 'old' })).toMatchObject({
      status: 'accepted',
      evidence: 'duplicate-id',
    })
    await fetch(`${upstreams.urls.alpaca}/v2/orders`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ ...body, client_order_id: 'older' }),
    })
    expect(await broker.submitOrder({ ...order, side: 'sell', clientOrderId: 'older' })).toMatchObject({
      status: 'refused',
      reason: 'the broker has another order with this client order id',
    })
  })
})

describe('a replacement', () => {
  it('is an order of its own, in the place of the old one', async () => {
    const { broker } = await startBench()
    const placed = acceptedOrder(await broker.submitOrder(resting))
    const outcome = await broker.replaceOrder(placed.id, { limitPrice: '1.5', clientOrderId: 'change-1' })
    expect(outcome).toMatchObject({
      status: 'accepted',
      order: { clientOrderId: 'change-1', limitPrice: '1.5', quantity: '2' },
    })
    expect(await broker.getOrder(placed.id)).toMatchObject({ status: 'replaced', isOpen: false })
  })

  it('whose acknowledgement is lost is looked up, not repeated', async () => {
    const { broker, upstreams } = await startBench()
    const placed = acceptedOrder(await broker.submitOrder(resting))
    upstreams.control.setFaults('alpaca', { match: { method: 'PATCH' }, action: { type: 'resetAfter' } })
    const outcome = await broker.replaceOrder(placed.id, { limitPrice: '1.5' })
    expect(outcome).toMatchObject({ status: 'accepted', evidence: 'lookup', order: { limitPrice: '1.5' } })
    expect(upstreams.control.ledger().map(({ kind }) => kind)).toEqual(['submit', 'replace'])
  })

  it('of nothing is a mistake of the caller’s', async () => {
    const { broker } = await startBench()
    expect(await rejection(broker.replaceOrder('order-1', {}))).toBeInstanceOf(InvalidRequestError)
  })
})

describe('a cancellation', () => {
  it('is repeated when its acknowledgement is lost; that there is nothing left to cancel then is an answer', async () => {
    const { broker, upstreams } = await startBench()
    const placed = acceptedOrder(await broker.submitOrder(resting))
    upstreams.control.setFaults('alpaca', { match: { method: 'DELETE', times: 1 }, action: { type: 'resetAfter' } })
    const outcome = await broker.cancelOrder(placed.id)
    expect(outcome).toMatchObject({ status: 'closed', order: { id: placed.id, status: 'canceled' } })
  })

  it('that comes too late tells what became of the order', async () => {
    const { broker, upstreams } = await startBench()
    const placed = acceptedOrder(await broker.submitOrder(order))
    upstreams.control.moveClock({ advanceMs: 1_000 })
    expect(await broker.cancelOrder(placed.id)).toMatchObject({ status: 'closed', order: { status: 'filled' } })
  })

  it('of an order that nobody knows is the broker’s 404', async () => {
    const { broker } = await startBench()
    expect(describeFailure(await rejection(broker.cancelOrder('no-such-order')))).toMatchObject({ status: 404 })
  })

  it('of all orders cancels those in doubt too, once they are found', async () => {
    const { broker, upstreams } = await startBench()
    await broker.submitOrder(resting)
    upstreams.control.setVisibilityLag(60_000)
    upstreams.control.setFaults('alpaca', { match: posts, action: { type: 'hang', where: 'after' } })
    const controller = new AbortController()
    const asking = broker.submitOrder({ ...resting, clientOrderId: 'lost' }, { signal: controller.signal })
    await vi.waitFor(() => expect(upstreams.control.ledger()).toHaveLength(2), patient)
    controller.abort()
    const outcome = await asking
    expect(outcome.status).toBe('in-doubt')
    await broker.cancelAll()
    expect(await broker.getOpenOrders()).toEqual([])
    upstreams.control.setVisibilityLag(0)
    if (outcome.status === 'in-doubt') await broker.reconcile(outcome)
    const cancels = () => upstreams.control.ledger().filter(({ kind }) => kind === 'cancel')
    await vi.waitFor(() => expect(cancels()).toHaveLength(2), patient)
  })
})
