import { Alpaca } from '@alpacahq/alpaca-trade-api/rest'
import {
  CircuitOpenError,
  describeFailure,
  InvalidOptionError,
  RateLimitedError,
  RetriesExhaustedError,
  TimeoutError,
} from 'holdfast'
import { describe, expect, it, vi } from 'vitest'
import { createAlpacaBroker } from '../src/alpaca/alpaca-broker.ts'
import { InvalidRequestError, MalformedAnswerError, memoryJournal, UpstreamRequestError } from '../src/index.ts'
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

it.each(['retry', 'rateLimit'] as const)('a client of one’s own whose %s is on is refused', async (layer) => {
  const { resilience } = await startBench()
  const keys = { keyId: 'key', secret: 'secret' }
  const client = new Alpaca({ ...keys, ...(layer === 'retry' ? { rateLimit: false } : { retry: false }) })
  const make = () => createAlpacaBroker({ service: resilience.service('alpaca'), journal: memoryJournal(), client })
  expect(make).toThrow(InvalidOptionError)
  expect(make).toThrow(`client.${layer}`)
})

describe('the errors of the real SDK', () => {
  it.each([
    ['401', { secretKey: 'wrong' }, 401, 'refused', 'success'],
    ['404', {}, 404, 'refused', 'success'],
  ] as const)('%s is an answer', async (_name, options, status, kind, verdict) => {
    const { broker } = await startBench(options)
    const error = await rejection(broker.getOrder('no-such-order'))
    expect(error).toBeInstanceOf(UpstreamRequestError)
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

describe('what Alpaca says of its limit', () => {
  const small = { requests: 3, windowMs: 60_000, window: 'fixed' } as const

  it('is kept: nothing is sent once its answers say that nothing is left, until the limit begins anew', async () => {
    const { broker, upstreams, resilience } = await startBench({ alpaca: { bulkhead: { acquireTimeoutMs: 50 } } })
    upstreams.control.setLimits('alpaca', { trading: small })
    for (let time = 0; time < 3; time++) await broker.getAccount()
    expect(resilience.service('alpaca').rateLimiter?.snapshot()).toMatchObject({ learnedRemaining: 0 })
    expect(await rejection(broker.getAccount())).toBeInstanceOf(RateLimitedError)
    expect(upstreams.control.stats('alpaca')).toMatchObject({ requests: 3, rateViolations: 0 })
  })

  it('is heard from a client of one’s own, too, which is left as it is, and from refusals', async () => {
    const { upstreams, resilience } = await startBench()
    const requests: string[] = []
    const client = new Alpaca({
      keyId: 'key',
      secret: 'secret',
      retry: false,
      rateLimit: false,
      fetchApi: (url, init) => {
        requests.push(url)
        return fetch(`${upstreams.urls.alpaca}${new URL(url).pathname}`, init)
      },
    })
    const service = resilience.service('alpaca')
    const broker = createAlpacaBroker({ service, journal: memoryJournal(), client })
    upstreams.control.setLimits('alpaca', { trading: small })
    await rejection(broker.getOrder('no-such-order'))
    expect(service.rateLimiter?.snapshot()).toMatchObject({ learnedRemaining: 2 })
    await client.trading.account.getAccount()
    expect(service.rateLimiter?.snapshot()).toMatchObject({ learnedRemaining: 2 })
    expect(requests).toHaveLength(2)
  })

  it('is told by its clock, however far that is from ours', async () => {
    const { broker, upstreams } = await startBench({ alpaca: { retry: { maxRetries: 0 } } })
    upstreams.control.moveClock({ advanceMs: 3_600_000 })
    const action = { type: 'rate429', header: 'x-ratelimit', resetInSec: 20 }
    upstreams.control.setFaults('alpaca', { action })
    const { retryAfterMs = 0 } = describeFailure(await rejection(broker.getAccount()))
    expect(retryAfterMs).toBeGreaterThanOrEqual(20_000)
    expect(retryAfterMs).toBeLessThanOrEqual(21_000)
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
    ['side', { ...order, side: JSON.parse('"hold"') }],
    ['timeInForce', { ...order, timeInForce: JSON.parse('"for ever"') }],
    ['limitPrice', { ...order, type: 'limit', limitPrice: '187.255' }],
    ['limitPrice', { ...order, type: 'limit', limitPrice: '0.12345' }],
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
    for (const id of ['', '.', '..', '../account', 'a/b', 'x'.repeat(129)]) {
      expect(await rejection(broker.getOrder(id))).toBeInstanceOf(InvalidRequestError)
      expect(await rejection(broker.cancelOrder(id))).toBeInstanceOf(InvalidRequestError)
      expect(await rejection(broker.findOrder(id))).toBeInstanceOf(InvalidRequestError)
    }
  })
})
