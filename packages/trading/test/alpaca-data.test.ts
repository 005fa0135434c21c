import { Alpaca } from '@alpacahq/alpaca-trade-api/rest'
import { createResilience, describeFailure, InvalidOptionError, TimeoutError } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { createAlpacaDataProvider } from '../src/alpaca/alpaca-data-provider.ts'
import { MalformedAnswerError, UpstreamRequestError } from '../src/index.ts'
import { startAlpacaData } from './providers.ts'
import { rejection } from './support.ts'

const december = { timeframe: '1Day', from: '2025-12-01', to: '2025-12-31' } as const

describe('Alpaca’s market data through the real SDK', () => {
  it('has bars, oldest first, the last day included', async () => {
    const { data, control } = await startAlpacaData()
    const bars = await data.getBars('aapl', december)
    expect(bars).toHaveLength(23)
    expect(bars.at(-1)?.at).toBe(Date.parse('2025-12-31T05:00:00Z'))
    expect(await data.getBars('AAPL', { ...december, limit: 5 })).toEqual(bars.slice(0, 5))
    expect(control.stats('alpaca').requests).toBe(2)
  })

  it('has quotes', async () => {
    const { data } = await startAlpacaData()
    const quote = await data.getQuote('MSFT')
    expect(quote.ask).toBeGreaterThan(quote.bid)
  })

  it('knows no quote of a symbol that is not traded, and no bars', async () => {
    const { data } = await startAlpacaData()
    expect(describeFailure(await rejection(data.getQuote('NOPE')))).toMatchObject({ status: 404, kind: 'refused' })
    expect(await data.getBars('NOPE', december)).toEqual([])
  })

  it.each(['truncate', 'html', 'empty', 'nullJson', 'wrongType'])(
    'is a malformed answer for a body that is %s',
    async (mode) => {
      const { data, control } = await startAlpacaData({ retry: { maxRetries: 0 } })
      control.setFaults('alpaca', { action: { type: 'malformed', mode } })
      expect(await rejection(data.getQuote('AAPL'))).toBeInstanceOf(MalformedAnswerError)
    },
  )

  it('is one request an attempt: the SDK retries nothing by itself', async () => {
    const { data, control } = await startAlpacaData({ retry: { maxRetries: 1 } })
    control.setFaults('alpaca', { action: { type: 'status', code: 500 } })
    await rejection(data.getQuote('AAPL'))
    expect(control.stats('alpaca').requests).toBe(2)
  })

  it('fails in the words of all providers, with the SDK’s own error as the cause', async () => {
    const { data, control } = await startAlpacaData({ retry: { maxRetries: 0 } })
    control.setFaults('alpaca', { action: { type: 'reset' } })
    const error = await rejection(data.getQuote('AAPL'))
    expect(error).toBeInstanceOf(UpstreamRequestError)
    expect(error).toMatchObject({ code: 'ECONNRESET', cause: { name: 'FetchError' } })
    expect(String(error)).toContain('alpaca-data.getQuote: no answer, fetch failed (ECONNRESET)')
  })

  it('knows from Alpaca’s answers how much of the limit is left', async () => {
    const { data, control, service } = await startAlpacaData()
    control.setLimits('alpaca', { data: { requests: 7, windowMs: 60_000, window: 'fixed' } })
    await data.getQuote('AAPL')
    expect(service.rateLimiter?.snapshot()).toMatchObject({ learnedRemaining: 6 })
  })

  it('ends with a timeout when it hangs', async () => {
    const { data, control } = await startAlpacaData({ attemptTimeoutMs: 60, retry: { maxRetries: 0 } })
    control.setFaults('alpaca', { action: { type: 'hang' } })
    expect(await rejection(data.getQuote('AAPL'))).toBeInstanceOf(TimeoutError)
  })

  it('takes a client of one’s own, but none that retries or limits by itself', () => {
    const service = createResilience({ services: { 'alpaca-data': { profile: 'DATA_PROVIDER' } } }).service(
      'alpaca-data',
    )
    const keys = { keyId: 'key', secret: 'secret' }
    expect(() => createAlpacaDataProvider({ service, client: new Alpaca(keys) })).toThrow(InvalidOptionError)
    const client = new Alpaca({ ...keys, retry: false, rateLimit: false })
    expect(createAlpacaDataProvider({ service, client }).service).toBe(service)
  })
})
