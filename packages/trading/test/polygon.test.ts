import { inspect } from 'node:util'
import { describeFailure, RetriesExhaustedError, TimeoutError } from 'holdfast'
import { describe, expect, it, vi } from 'vitest'
import { InvalidRequestError, MalformedAnswerError } from '../src/index.ts'
import { redactUrl } from '../src/redact.ts'
import { rejection, SECRET_KEY, startBench } from './support.ts'

const december = { timeframe: '1Day', from: '2025-12-01', to: '2025-12-31' } as const

describe('market data through the real SDK', () => {
  it('has bars, oldest first', async () => {
    const { data } = await startBench()
    const bars = await data.getBars('aapl', december)
    expect(bars).toHaveLength(23)
    expect(new Date(bars[0]?.at ?? 0).toISOString()).toBe('2025-12-01T05:00:00.000Z')
    expect(
      bars.every(({ low, high, open, close }) => low <= Math.min(open, close) && high >= Math.max(open, close)),
    ).toBe(true)
    expect(
      await data.getBars('AAPL', { timeframe: '15Min', from: '2025-12-01T14:30:00Z', to: '2025-12-01T15:29:59Z' }),
    ).toHaveLength(4)
  })

  it('is one request, however many bars there are', async () => {
    const { data, upstreams } = await startBench()
    expect(await data.getBars('AAPL', { ...december, limit: 5 })).toHaveLength(5)
    expect(upstreams.control.stats('polygon').requests).toBe(1)
  })

  it('has the last quote', async () => {
    const { data } = await startBench()
    const quote = await data.getQuote('MSFT')
    expect(quote).toMatchObject({ symbol: 'MSFT' })
    expect(quote.ask).toBeGreaterThan(quote.bid)
    expect(new Date(quote.at).toISOString()).toMatch(/^2026-01-05T15:00/)
  })

  it('knows no bars of a symbol that is not traded, and no quote', async () => {
    const { data } = await startBench()
    expect(await data.getBars('NOPE', december)).toEqual([])
    const error = await rejection(data.getQuote('NOPE'))
    expect(describeFailure(error)).toMatchObject({ status: 404, kind: 'refused', verdict: 'success' })
    expect(String(error)).toContain('Ticker not found')
  })

  it('is asked again after a 503, three times at most', async () => {
    const { data, upstreams } = await startBench()
    upstreams.control.setFaults('polygon', { match: { times: 2 }, action: { type: 'status', code: 503 } })
    expect(await data.getQuote('AAPL')).toMatchObject({ symbol: 'AAPL' })
    upstreams.control.setFaults('polygon', { action: { type: 'status', code: 503 } })
    expect(await rejection(data.getQuote('AAPL'))).toBeInstanceOf(RetriesExhaustedError)
    expect(upstreams.control.stats('polygon').requests).toBe(3 + 4)
  })

  it('that hangs ends with a timeout, which the SDK does not have, and the socket is closed', async () => {
    const { data, upstreams } = await startBench({ polygon: { attemptTimeoutMs: 50, retry: { maxRetries: 0 } } })
    upstreams.control.setFaults('polygon', { action: { type: 'hang' } })
    expect(await rejection(data.getQuote('AAPL'))).toBeInstanceOf(TimeoutError)
    await vi.waitFor(() => expect(upstreams.control.log()).toMatchObject([{ outcome: 'cut off' }]))
  })

  it('waits for its turn: no more requests reach the provider than the limit allows', async () => {
    const { data, upstreams } = await startBench({
      polygon: { rateLimiter: { tokensPerSecond: 20, burstSize: 2, maxWaitMs: 5_000 } },
    })
    upstreams.control.setLimits('polygon', { requests: { requests: 23, windowMs: 1_000, window: 'rolling' } })
    await Promise.all(Array.from({ length: 12 }, () => data.getQuote('AAPL')))
    expect(upstreams.control.stats('polygon')).toMatchObject({ requests: 12, rateViolations: 0 })
  })

  it.each(['truncate', 'garbage', 'html', 'empty', 'nullJson', 'wrongType'])(
    'refuses a 200 with a body that is %s, which the SDK lets through as a string',
    async (mode) => {
      const { data, upstreams } = await startBench()
      upstreams.control.setFaults('polygon', { action: { type: 'malformed', mode } })
      expect(await rejection(data.getQuote('AAPL'))).toBeInstanceOf(MalformedAnswerError)
    },
  )

  it('refuses figures that are none, and a status that is not OK', async () => {
    const { data, upstreams } = await startBench()
    upstreams.control.setFaults('polygon', { action: { type: 'drift', rename: { p: 'price' } } })
    expect(String(await rejection(data.getQuote('AAPL')))).toContain('p is undefined, not a number')
    const body = { status: 'ERROR', request_id: '1', results: {} }
    upstreams.control.setFaults('polygon', { action: { type: 'status', code: 200, body } })
    expect(String(await rejection(data.getQuote('AAPL')))).toContain('its status is ERROR, not OK')
  })
})

describe('the key', () => {
  it('never shows in an error, whatever went wrong', async () => {
    const { data, upstreams } = await startBench({
      polygon: { attemptTimeoutMs: 50, retry: { maxRetries: 1 }, circuitBreaker: false },
    })
    for (const action of [
      { type: 'status', code: 500 },
      { type: 'reset' },
      { type: 'hang' },
      { type: 'partial', bytes: 10 },
      { type: 'malformed', mode: 'html' },
      { type: 'rate429', retryAfterSec: 0 },
    ]) {
      upstreams.control.setFaults('polygon', { action })
      const error = await rejection(data.getQuote('AAPL'))
      expect(inspect(error, { depth: 12, showHidden: true })).not.toContain(SECRET_KEY)
    }
  })

  it('that is wrong is told as 401', async () => {
    const { data } = await startBench({ apiKey: 'wrong' })
    expect(describeFailure(await rejection(data.getQuote('AAPL')))).toMatchObject({ status: 401 })
  })

  it('is struck out of URLs', () => {
    expect(redactUrl('GET http://host/v2?apiKey=abc&limit=5 failed, then /x?a=1&api_key=d')).toBe(
      'GET http://host/v2?apiKey=redacted&limit=5 failed, then /x?a=1&api_key=redacted',
    )
  })
})

describe('requests that make no sense', () => {
  it.each([
    ['symbol', 'A'.repeat(10_000), december],
    ['symbol', 'A/B', december],
    ['from', 'AAPL', { ...december, from: 'yesterday' }],
    ['to', 'AAPL', { ...december, to: '2025-13-45' }],
    ['limit', 'AAPL', { ...december, limit: 0 }],
    ['limit', 'AAPL', { ...december, limit: Number.NaN }],
  ] as const)('are refused for their %s before anything is sent', async (field, symbol, query) => {
    const { data, upstreams } = await startBench()
    const error = await rejection(data.getBars(symbol, query))
    expect(error).toBeInstanceOf(InvalidRequestError)
    expect(error).toMatchObject({ field })
    expect(upstreams.control.stats('polygon').requests).toBe(0)
  })
})
