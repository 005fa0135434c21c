/** The real SDKs through the guards, against the stand-ins, over real sockets. */
import { Alpaca } from '@alpacahq/alpaca-trade-api/rest'
import { guardAxios } from '@holdfast/http/axios'
import { type Fetch, guardFetch } from '@holdfast/http/fetch'
import { guardUndici } from '@holdfast/http/undici'
import { startUpstreams, type Upstreams, yahooTransport } from '@holdfast/upstreams'
import { restClient } from '@polygon.io/client-js'
import { CircuitOpenError, createResilience, type Service, type ServiceOptions } from 'holdfast'
import { Agent, fetch as undiciFetch } from 'undici'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import YahooFinance from 'yahoo-finance2'

/** Stand-ins and a service in front of one of them; waits between attempts are a millisecond. */
async function start(options: ServiceOptions = {}): Promise<Upstreams & { readonly service: Service }> {
  const upstreams = await startUpstreams({ ports: { control: 0 }, workers: { count: 64, minMs: 0, maxMs: 0 } })
  onTestFinished(() => upstreams.close())
  const resilience = createResilience({
    services: {
      upstream: {
        profile: 'BROKER',
        rateLimiter: { tokensPerSecond: 1_000, burstSize: 1_000, criticalShare: 0 },
        retry: { baseDelayMs: 1 },
        ...options,
      },
    },
  })
  return { ...upstreams, service: resilience.service('upstream') }
}

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

/** Every cause of an error, itself first. */
function causes(error: unknown): unknown[] {
  return error instanceof Error ? [error, ...causes(error.cause)] : []
}

/** The SDK knows only Alpaca's own hosts. */
function movedTo(base: string, send: Fetch): (url: string, init?: RequestInit) => Promise<Response> {
  return (url, init) => send(url.replace(new URL(url).origin, base), init)
}

const alpaca = (base: string, send: Fetch): Alpaca =>
  new Alpaca({ keyId: 'key', secret: 'secret', retry: false, rateLimit: false, fetchApi: movedTo(base, send) })

/** npm's undici has a `fetch` of its own, whose types are not quite the platform's. */
function overUndici(service: Service): Fetch {
  const agent = new Agent()
  onTestFinished(() => agent.destroy())
  const dispatcher = agent.compose(guardUndici(service))
  const send: unknown = (url: string, init: object) => undiciFetch(url, { ...init, dispatcher })
  if (!isFetch(send)) throw new Error('it is a function')
  return send
}

function isFetch(value: unknown): value is Fetch {
  return typeof value === 'function'
}

describe.each([
  ['guardFetch', (service: Service) => guardFetch(fetch, service)],
  ['undici', overUndici],
] as const)('Alpaca’s SDK through %s', (_guard, send) => {
  it('reads over a failure, and is told what it understands when it is no better', async () => {
    const { urls, control, service } = await start()
    const client = alpaca(urls.alpaca, send(service))
    control.setFaults('alpaca', { match: { times: 1 }, action: { type: 'status', code: 503 } })
    expect(await client.trading.account.getAccount()).toMatchObject({ status: 'ACTIVE' })
    expect(control.stats('alpaca').requests).toBe(2)
    control.setFaults('alpaca', { action: { type: 'status', code: 503 } })
    expect(await rejection(client.trading.account.getAccount())).toMatchObject({ name: 'ApiError', status: 503 })
    expect(control.stats('alpaca').requests).toBe(5)
  })

  it('sends an order that may have arrived once', async () => {
    const { urls, control, service } = await start()
    const client = alpaca(urls.alpaca, send(service))
    control.setFaults('alpaca', { match: { method: 'POST' }, action: { type: 'status', code: 500 } })
    const postOrderRequest = { symbol: 'AAPL', qty: '1', side: 'buy', type: 'market', timeInForce: 'day' } as const
    expect(await rejection(client.trading.orders.postOrder({ postOrderRequest }))).toMatchObject({ status: 500 })
    expect(control.stats('alpaca').requests).toBe(1)
  })

  it('is refused at once while the circuit is open', async () => {
    const { urls, control, service } = await start()
    const client = alpaca(urls.alpaca, send(service))
    service.circuitBreaker?.trip('maintenance')
    const error = await rejection(client.trading.account.getAccount())
    expect(causes(error)).toContainEqual(expect.any(CircuitOpenError))
    expect(control.stats('alpaca').requests).toBe(0)
  })
})

describe('Polygon’s SDK through guardAxios', () => {
  it('reads over failures, ends where it hung for ever, and tells refusals as it does', async () => {
    const { urls, control, service } = await start({ attemptTimeoutMs: 200, circuitBreaker: false })
    const client = restClient('key', urls.polygon, { pagination: false })
    const adapter = guardAxios(service)
    control.setFaults('polygon', { match: { times: 1 }, action: { type: 'status', code: 502 } })
    expect(await client.getLastStocksQuote('AAPL', { adapter })).toMatchObject({ results: { T: 'AAPL' } })
    control.setFaults('polygon', { match: { times: 1 }, action: { type: 'hang' } })
    expect(await client.getLastStocksQuote('MSFT', { adapter })).toMatchObject({ results: { T: 'MSFT' } })
    control.clearFaults('polygon')
    expect(await rejection(client.getLastStocksQuote('NOPE', { adapter }))).toMatchObject({
      name: 'AxiosError',
      status: 404,
    })
    await vi.waitFor(() => expect(service.bulkhead?.snapshot().active).toBe(0), 5_000)
  })

  it('waits for the Retry-After of a 429', async () => {
    const { urls, control, service } = await start()
    const client = restClient('key', urls.polygon, { pagination: false })
    const adapter = guardAxios(service)
    control.setFaults('polygon', { match: { times: 1 }, action: { type: 'rate429', retryAfterSec: 1 } })
    expect(await client.getLastStocksQuote('AAPL', { adapter })).toMatchObject({ results: { T: 'AAPL' } })
    expect(service.snapshot().calls.retries).toBe(1)
  })
})

describe('yahoo-finance2 through guardFetch', () => {
  it('reads over a failure; cookie and crumb are requests too', async () => {
    const { urls, control, service } = await start()
    const client = new YahooFinance({
      fetch: guardFetch(yahooTransport(urls.yahoo), service),
      suppressNotices: ['yahooSurvey'],
    })
    control.setFaults('yahoo', { match: { times: 1 }, action: { type: 'status', code: 503 } })
    expect(await client.quote('AAPL')).toMatchObject({ symbol: 'AAPL' })
    expect(service.rateLimiter?.snapshot().totals.admitted).toBe(control.stats('yahoo').requests)
    expect(service.snapshot().calls).toMatchObject({ retries: 1 })
  })
})
