import { CircuitOpenError, describeFailure, RetriesExhaustedError, TimeoutError } from 'holdfast'
import { describe, expect, it, vi } from 'vitest'
import { InvalidRequestError, MalformedAnswerError, OrderInDoubtError } from '../src/index.ts'
import { rejection, startBench } from './support.ts'

const order = { symbol: 'aapl', side: 'buy', quantity: '2', type: 'market' } as const

describe('reads through the real SDK', () => {
  it('give an account and its positions', async () => {
    const { broker, upstreams } = await startBench()
    expect(await broker.getAccount()).toMatchObject({
      status: 'ACTIVE',
      currency: 'USD',
      cash: '100000',
      tradingBlocked: false,
    })
    expect(await broker.getPositions()).toEqual([])
    await broker.submitOrder(order)
    upstreams.control.moveClock({ advanceMs: 1_000 })
    const [position] = await broker.getPositions()
    expect(position).toMatchObject({ symbol: 'AAPL', side: 'long', quantity: '2' })
  })

  it('reach the service once for each attempt: the SDK’s own retries are off', async () => {
    const { broker, upstreams } = await startBench()
    upstreams.control.setFaults('alpaca', { action: { type: 'status', code: 500 } })
    expect(await rejection(broker.getAccount())).toBeInstanceOf(RetriesExhaustedError)
    expect(upstreams.control.stats('alpaca').requests).toBe(3)
  })

  it('are repeated after a reset', async () => {
    const { broker, upstreams } = await startBench()
    upstreams.control.setFaults('alpaca', { match: { times: 1 }, action: { type: 'reset' } })
    expect(await broker.getAccount()).toMatchObject({ status: 'ACTIVE' })
    expect(upstreams.control.stats('alpaca').requests).toBe(2)
  })

  it('obey Retry-After of a storm of 429', async () => {
    const { broker, upstreams, resilience } = await startBench()
    upstreams.control.setFaults('alpaca', { match: { times: 1 }, action: { type: 'rate429', retryAfterSec: 1 } })
    const [first, second] = await Promise.all([broker.getAccount(), broker.getPositions()])
    expect(first).toMatchObject({ status: 'ACTIVE' })
    expect(second).toEqual([])
    const log = upstreams.control.log()
    const answered = (status: number): number => log.find((record) => record.status === status)?.t ?? 0
    expect(log.filter(({ status }) => status === 200).at(-1)?.t ?? 0).toBeGreaterThanOrEqual(answered(429) + 990)
    expect(resilience.service('alpaca').circuitBreaker?.failureCount).toBe(0)
  })

  it.each(['truncate', 'garbage', 'html', 'empty', 'nullJson', 'wrongType'])(
    'refuse a 200 with a body that is %s',
    async (mode) => {
      const { broker, upstreams, resilience } = await startBench()
      upstreams.control.setFaults('alpaca', { action: { type: 'malformed', mode } })
      expect(await rejection(broker.getAccount())).toBeInstanceOf(MalformedAnswerError)
      expect(resilience.service('alpaca').circuitBreaker?.failureCount).toBe(1)
    },
  )

  it('refuse an answer whose schema has drifted', async () => {
    const { broker, upstreams } = await startBench()
    upstreams.control.setFaults('alpaca', { action: { type: 'drift', drop: 'cash' } })
    expect(String(await rejection(broker.getAccount()))).toContain('cash is undefined, not a decimal figure')
  })

  it('that hang end with the attempt’s timeout, and the socket is closed', async () => {
    const { broker, upstreams } = await startBench({ alpaca: { attemptTimeoutMs: 50, retry: { maxRetries: 0 } } })
    upstreams.control.setFaults('alpaca', { action: { type: 'hang' } })
    expect(await rejection(broker.getAccount())).toBeInstanceOf(TimeoutError)
    await vi.waitFor(() => expect(upstreams.control.log()).toMatchObject([{ outcome: 'cut off', status: null }]))
  })

  it('open the circuit, and are then refused without a request', async () => {
    const { broker, upstreams } = await startBench()
    upstreams.control.setFaults('alpaca', { action: { type: 'reset' } })
    await rejection(broker.getAccount())
    const { requests } = upstreams.control.stats('alpaca')
    expect(await rejection(broker.getPositions())).toBeInstanceOf(CircuitOpenError)
    expect(upstreams.control.stats('alpaca').requests).toBe(requests)
  })

  it('that are given up reject with the reason', async () => {
    const { broker, upstreams } = await startBench()
    upstreams.control.setFaults('alpaca', { action: { type: 'hang' } })
    const controller = new AbortController()
    const result = rejection(broker.getAccount({ signal: controller.signal }))
    await vi.waitFor(() => expect(upstreams.control.stats('alpaca').requests).toBe(1))
    controller.abort('no longer wanted')
    expect(await result).toBe('no longer wanted')
  })
})

describe('the errors of the real SDK', () => {
  it.each([
    ['401', { secretKey: 'wrong' }, 401, 'refused', 'success'],
    ['404', {}, 404, 'refused', 'success'],
  ] as const)('%s is an answer', async (_name, options, status, kind, verdict) => {
    const { broker } = await startBench(options)
    const error = await rejection(broker.getOrder('no-such-order'))
    expect(describeFailure(error)).toMatchObject({ status, kind, verdict })
  })

  it('tell when to come back', async () => {
    const { broker, upstreams } = await startBench({ alpaca: { retry: { maxRetries: 0 } } })
    upstreams.control.setFaults('alpaca', { action: { type: 'rate429', retryAfterSec: 7 } })
    expect(describeFailure(await rejection(broker.getAccount()))).toMatchObject({
      status: 429,
      throttled: true,
      retryAfterMs: 7_000,
    })
  })
})

describe('orders', () => {
  it('are placed, found by either id, and cancelled', async () => {
    const { broker, upstreams } = await startBench()
    const placed = await broker.submitOrder({ ...order, type: 'limit', limitPrice: '1.25', clientOrderId: 'intent-1' })
    expect(placed).toMatchObject({
      symbol: 'AAPL',
      clientOrderId: 'intent-1',
      quantity: '2',
      limitPrice: '1.25',
      averageFillPrice: null,
    })
    expect(await broker.getOrder(placed.id)).toMatchObject({ id: placed.id })
    expect(await broker.getOrderByClientOrderId('intent-1')).toMatchObject({ id: placed.id })
    await broker.cancelOrder(placed.id)
    expect(await broker.getOrder(placed.id)).toMatchObject({ status: 'canceled' })
    expect(describeFailure(await rejection(broker.cancelOrder(placed.id)))).toMatchObject({ status: 422 })
    expect(upstreams.control.ledger().map(({ kind }) => kind)).toEqual(['submit', 'cancel'])
  })

  it('get an id of their own, once, that stays the same when they are sent again', async () => {
    const { broker, upstreams } = await startBench()
    upstreams.control.setFaults('alpaca', {
      match: { method: 'POST', times: 1 },
      action: { type: 'rate429', retryAfterSec: 0 },
    })
    const placed = await broker.submitOrder(order)
    expect(placed.clientOrderId).toMatch(/^[0-9a-f-]{36}$/)
    expect(upstreams.control.stats('alpaca').requests).toBe(2)
    expect(upstreams.control.ledger()).toMatchObject([{ kind: 'submit', clientOrderId: placed.clientOrderId }])
  })

  it.each([
    ['the connection breaks before it took effect', { type: 'reset', where: 'before' }, 0],
    ['the connection breaks after it took effect', { type: 'resetAfter' }, 1],
    ['the answer is a 500, after all', { type: 'status', code: 500, executed: true }, 1],
    ['the answer is a 500', { type: 'status', code: 500 }, 0],
    ['the answer is a 504', { type: 'status', code: 504, executed: true }, 1],
    ['the answer makes no sense', { type: 'malformed', mode: 'html' }, 1],
    ['the answer breaks off', { type: 'partial', bytes: 20 }, 1],
    ['the answer is not an order', { type: 'drift', drop: 'id' }, 1],
    ['there is no answer', { type: 'hang', where: 'after' }, 1],
    ['the broker hangs up', { type: 'fin', where: 'after' }, 1],
  ])('are in doubt, and not sent again, when %s', async (_name, action, executed) => {
    // Short only where it is waited for: a busy machine must not make a timeout of an answer.
    const { broker, upstreams } = await startBench({
      alpaca: { attemptTimeoutMs: action.type === 'hang' ? 250 : 10_000 },
    })
    upstreams.control.setFaults('alpaca', { match: { method: 'POST' }, action })
    const error = await rejection(broker.submitOrder({ ...order, clientOrderId: 'intent-7' }))
    expect(error).toBeInstanceOf(OrderInDoubtError)
    expect(error).toMatchObject({ clientOrderId: 'intent-7' })
    expect(upstreams.control.stats('alpaca').requests).toBe(1)
    expect(upstreams.control.ledger()).toHaveLength(executed)
    const lookup = broker.getOrderByClientOrderId('intent-7')
    if (executed === 1) expect(await lookup).toMatchObject({ clientOrderId: 'intent-7' })
    else expect(describeFailure(await rejection(lookup))).toMatchObject({ status: 404 })
  })

  it('whose caller gives up while they are under way are in doubt', async () => {
    const { broker, upstreams } = await startBench()
    upstreams.control.setFaults('alpaca', { match: { method: 'POST' }, action: { type: 'hang', where: 'after' } })
    const controller = new AbortController()
    const result = rejection(broker.submitOrder(order, { signal: controller.signal }))
    await vi.waitFor(() => expect(upstreams.control.ledger()).toHaveLength(1))
    controller.abort(new Error('no longer wanted'))
    expect(await result).toBeInstanceOf(OrderInDoubtError)
  })

  it('that were refused by our own guard were never sent', async () => {
    const { broker, upstreams, resilience } = await startBench()
    resilience.service('alpaca').circuitBreaker?.trip('kill switch')
    expect(await rejection(broker.submitOrder(order))).toBeInstanceOf(CircuitOpenError)
    expect(upstreams.control.stats('alpaca').requests).toBe(0)
  })

  it('that the broker refuses are told so as they are', async () => {
    const { broker } = await startBench()
    const unaffordable = { ...order, quantity: '1000000' }
    expect(describeFailure(await rejection(broker.submitOrder(unaffordable)))).toMatchObject({
      status: 403,
      kind: 'refused',
    })
    await broker.submitOrder({ ...order, clientOrderId: 'twice' })
    expect(describeFailure(await rejection(broker.submitOrder({ ...order, clientOrderId: 'twice' })))).toMatchObject({
      status: 422,
    })
  })

  it('whose id is taken on the second attempt arrived with the first: that is the result', async () => {
    const { broker, upstreams } = await startBench()
    // A broker that executes and then claims to have refused: the worst of edges.
    upstreams.control.setFaults('alpaca', {
      match: { method: 'POST', times: 1 },
      action: { type: 'status', code: 429, executed: true, headers: { 'retry-after': '0' } },
    })
    const placed = await broker.submitOrder({ ...order, clientOrderId: 'intent-9' })
    expect(placed).toMatchObject({ clientOrderId: 'intent-9' })
    expect(upstreams.control.duplicates()).toEqual([])
    expect(upstreams.control.ledger()).toHaveLength(1)
  })

  it('are never doubled under random faults: what the client believes agrees with the ledger', async () => {
    const { broker, upstreams, resilience } = await startBench({
      alpaca: { attemptTimeoutMs: 60, circuitBreaker: false },
    })
    upstreams.control.setFaults('alpaca', [
      { match: { method: 'POST', probability: 0.15 }, action: { type: 'resetAfter' } },
      { match: { method: 'POST', probability: 0.15 }, action: { type: 'reset' } },
      { match: { method: 'POST', probability: 0.15 }, action: { type: 'rate429', retryAfterSec: 0 } },
      { match: { method: 'POST', probability: 0.1 }, action: { type: 'hang', where: 'after' } },
      { match: { method: 'POST', probability: 0.1 }, action: { type: 'status', code: 503, executed: true } },
    ])
    const beliefs = new Map<string, 'accepted' | 'in doubt' | 'not placed'>()
    for (let count = 0; count < 60; count++) {
      const clientOrderId = `intent-${count}`
      try {
        await broker.submitOrder({ ...order, type: 'limit', limitPrice: '1', clientOrderId })
        beliefs.set(clientOrderId, 'accepted')
      } catch (error) {
        beliefs.set(clientOrderId, error instanceof OrderInDoubtError ? 'in doubt' : 'not placed')
      }
    }
    const executed = new Set(upstreams.control.ledger().map((row) => row.clientOrderId))
    expect(upstreams.control.duplicates()).toEqual([])
    for (const [clientOrderId, belief] of beliefs) {
      if (belief === 'accepted') expect(executed).toContain(clientOrderId)
      if (belief === 'not placed') expect(executed).not.toContain(clientOrderId)
    }
    expect(new Set(beliefs.values())).toContain('in doubt')
    expect(resilience.service('alpaca').snapshot().calls.inFlight).toBe(0)
  })
})

describe('requests that make no sense', () => {
  it.each([
    ['symbol', { ...order, symbol: 'A'.repeat(10_000) }],
    ['symbol', { ...order, symbol: '../account' }],
    ['symbol', { ...order, symbol: '' }],
    ['quantity', { ...order, quantity: '-1' }],
    ['quantity', { ...order, quantity: '0' }],
    ['quantity', { ...order, quantity: 'NaN' }],
    ['quantity', { ...order, quantity: '1e9' }],
    ['limitPrice', { ...order, type: 'limit' }],
    ['limitPrice', { ...order, limitPrice: '5' }],
    ['stopPrice', { ...order, type: 'stop' }],
    ['clientOrderId', { ...order, clientOrderId: 'x'.repeat(49) }],
    ['clientOrderId', { ...order, clientOrderId: 'a b' }],
  ] as const)('are refused for their %s before anything is sent', async (field, request) => {
    const { broker, upstreams } = await startBench()
    const error = await rejection(broker.submitOrder(request))
    expect(error).toBeInstanceOf(InvalidRequestError)
    expect(error).toMatchObject({ field })
    expect(String(error).length).toBeLessThan(200)
    expect(upstreams.control.stats('alpaca').requests).toBe(0)
  })

  it('include ids that would lead elsewhere', async () => {
    const { broker } = await startBench()
    for (const id of ['', '../account', 'a/b', 'x'.repeat(129)]) {
      expect(await rejection(broker.getOrder(id))).toBeInstanceOf(InvalidRequestError)
      expect(await rejection(broker.cancelOrder(id))).toBeInstanceOf(InvalidRequestError)
      expect(await rejection(broker.getOrderByClientOrderId(id))).toBeInstanceOf(InvalidRequestError)
    }
  })
})
