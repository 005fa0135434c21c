import { inspect } from 'node:util'
import { describeFailure, TimeoutError } from 'holdfast'
import { describe, expect, it, vi } from 'vitest'
import { MalformedAnswerError, UpstreamRequestError } from '../src/index.ts'
import { startYahoo } from './providers.ts'
import { rejection } from './support.ts'

const december = { timeframe: '1Day', from: '2025-12-01', to: '2025-12-31' } as const

/** Which requests the stand-in saw, by their path. */
function paths(control: Awaited<ReturnType<typeof startYahoo>>['control']): (string | undefined)[] {
  return control.log(0, 'yahoo').map(({ path }) => path.split('?')[0]?.split('/').slice(0, 4).join('/'))
}

describe('Yahoo through its real SDK', () => {
  it('has bars, oldest first, the last day included, in one request', async () => {
    const { data, control } = await startYahoo()
    const bars = await data.getBars('aapl', december)
    expect(bars).toHaveLength(23)
    expect(bars.map(({ at }) => at)).toEqual(bars.map(({ at }) => at).toSorted((a, b) => a - b))
    expect(await data.getBars('AAPL', { ...december, limit: 5 })).toEqual(bars.slice(0, 5))
    expect(control.stats('yahoo').requests).toBe(2)
  })

  it('has quotes, with one cookie and one crumb for all who ask', async () => {
    const { data, control } = await startYahoo()
    const quotes = await Promise.all(['AAPL', 'MSFT', 'IBM'].map((symbol) => data.getQuote(symbol)))
    expect(quotes.map(({ symbol }) => symbol)).toEqual(['AAPL', 'MSFT', 'IBM'])
    for (const { bid, ask } of quotes) expect(ask).toBeGreaterThan(bid)
    expect(paths(control).filter((path) => path === '/v1/test/getcrumb')).toHaveLength(1)
  })

  it('agrees on the consent page of Europe, and counts its requests', async () => {
    const { data, control, service } = await startYahoo({ retry: { maxRetries: 0 } })
    control.setFaults('yahoo', { action: { type: 'consent' } })
    expect(await data.getQuote('AAPL')).toMatchObject({ symbol: 'AAPL' })
    expect(await data.getQuote('MSFT')).toMatchObject({ symbol: 'MSFT' })
    expect(paths(control).filter((path) => path === '/copyConsent')).toHaveLength(1)
    expect(service.snapshot().rateLimiter?.totals.admitted).toBe(control.stats('yahoo').requests)
  })

  it('that is asked to consent again and again gives up, and says so', async () => {
    const { data, control } = await startYahoo({ retry: { maxRetries: 0 } })
    // What is agreed to is not remembered.
    control.setFaults('yahoo', {
      match: { path: '^/copyConsent$' },
      action: {
        type: 'status',
        code: 302,
        headers: { location: 'https://finance.yahoo.com/quote/AAPL', 'set-cookie': 'GUCS=x; Domain=.yahoo.com' },
      },
    })
    control.addFaults('yahoo', { action: { type: 'consent' } })
    expect(String(await rejection(data.getQuote('AAPL')))).toContain('Too many consent redirects')
  })

  it('counts cookie and crumb against the limit', async () => {
    const { data, service } = await startYahoo()
    await data.getQuote('AAPL')
    expect(service.snapshot().rateLimiter?.totals.admitted).toBe(3)
    await data.getQuote('AAPL')
    expect(service.snapshot().rateLimiter?.totals.admitted).toBe(4)
  })

  it('knows no quote of a symbol that is not traded, and no bars', async () => {
    const { data } = await startYahoo()
    for (const ask of [() => data.getQuote('NOPE'), () => data.getBars('NOPE', december)]) {
      expect(describeFailure(await rejection(ask()))).toMatchObject({ status: 404, kind: 'refused' })
    }
  })
})

describe('a crumb', () => {
  it('that has gone bad is replaced once, and the caller notices nothing', async () => {
    const { data, control } = await startYahoo({ retry: { maxRetries: 0 } })
    await data.getQuote('AAPL')
    control.setFaults('yahoo', { match: { times: 1 }, action: { type: 'rotateCrumb' } })
    await Promise.all([data.getQuote('AAPL'), data.getQuote('MSFT')])
    expect(await data.getQuote('IBM')).toMatchObject({ symbol: 'IBM' })
    expect(paths(control).filter((path) => path === '/v1/test/getcrumb')).toHaveLength(2)
  })

  it('that is no crumb but "Too Many Requests" with status 200 is told as throttling, and not kept', async () => {
    const { data, control } = await startYahoo({ retry: { maxRetries: 0 } })
    control.setFaults('yahoo', { match: { times: 1 }, action: { type: 'badCrumb200' } })
    expect(describeFailure(await rejection(data.getQuote('AAPL')))).toMatchObject({ status: 429, throttled: true })
    expect(await data.getQuote('AAPL')).toMatchObject({ symbol: 'AAPL' })
  })

  it('that one caller no longer waits for comes for the others', async () => {
    const { data, control } = await startYahoo()
    control.setFaults('yahoo', { match: { path: 'getcrumb', times: 1 }, action: { type: 'latency', ms: 300 } })
    const controller = new AbortController()
    const given = data.getQuote('AAPL', { signal: controller.signal })
    const waited = data.getQuote('MSFT')
    await vi.waitFor(() => expect(paths(control)).toContain('/quote/AAPL'), { timeout: 10_000 })
    controller.abort(new Error('enough'))
    expect(String(await rejection(given))).toBe('Error: enough')
    expect(await waited).toMatchObject({ symbol: 'MSFT' })
  })

  it('never shows in an error, nor on the console', async () => {
    const printed = vi.spyOn(console, 'error')
    const { data, control } = await startYahoo({ retry: { maxRetries: 0 }, circuitBreaker: false })
    await data.getQuote('AAPL')
    const crumb = new URLSearchParams(control.log(0, 'yahoo').at(-1)?.path.split('?')[1]).get('crumb')
    for (const action of [{ type: 'status', code: 500 }, { type: 'malformed', mode: 'html' }, { type: 'reset' }]) {
      control.setFaults('yahoo', { action })
      const text = inspect(await rejection(data.getQuote('AAPL')), { depth: 12, showHidden: true })
      expect(text).not.toMatch(/crumb=(?!redacted)/)
      expect(crumb).toBe('redacted')
    }
    expect(printed).not.toHaveBeenCalled()
    printed.mockRestore()
  })
})

describe('what goes wrong at Yahoo', () => {
  it.each([
    ['a 429', { type: 'rate429', retryAfterSec: 9 }, { status: 429, throttled: true, retryAfterMs: 9_000 }],
    ['a 500', { type: 'status', code: 500 }, { status: 500, verdict: 'failure' }],
    ['a 503 of HTML', { type: 'status', code: 503, body: '<html>busy</html>' }, { status: 503, verdict: 'failure' }],
    ['the edge’s 999', { type: 'status', code: 999 }, { status: 429, throttled: true }],
    ['a reset', { type: 'reset' }, { kind: 'may-have-happened', transient: true }],
  ])('is told as what it is, status included, which the SDK loses: %s', async (_what, action, facts) => {
    const { data, control } = await startYahoo({ retry: { maxRetries: 0 } })
    control.setFaults('yahoo', { action })
    expect(describeFailure(await rejection(data.getBars('AAPL', december)))).toMatchObject(facts)
  })

  it.each(['truncate', 'html', 'empty', 'wrongType'])('is a malformed answer for a body that is %s', async (mode) => {
    const { data, control } = await startYahoo({ retry: { maxRetries: 0 } })
    control.setFaults('yahoo', { action: { type: 'malformed', mode } })
    expect(await rejection(data.getBars('AAPL', december))).toBeInstanceOf(MalformedAnswerError)
  })

  it('is told in the words of all providers when the connection breaks, with the error of the network as the cause', async () => {
    const { data, control } = await startYahoo({ retry: { maxRetries: 0 } })
    control.setFaults('yahoo', { action: { type: 'reset' } })
    const error = await rejection(data.getQuote('AAPL'))
    expect(error).toBeInstanceOf(UpstreamRequestError)
    expect(error).toMatchObject({ code: 'ECONNRESET', cause: { name: 'TypeError' } })
  })

  it('ends with a timeout when it hangs', async () => {
    const { data, control } = await startYahoo({ attemptTimeoutMs: 60, retry: { maxRetries: 0 } })
    control.setFaults('yahoo', { action: { type: 'hang' } })
    expect(await rejection(data.getBars('AAPL', december))).toBeInstanceOf(TimeoutError)
  })
})
