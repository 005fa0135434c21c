/** The unmodified SDKs, under their old and their new name, against the stand-in. */

import { VirtualClock } from '@holdfast/testing'
import * as massive from '@massive.com/client-js'
import * as polygon from '@polygon.io/client-js'
import { describe, expect, it } from 'vitest'
import { listAt, type StandIns, startStandIns } from '../support.ts'

/** What both can do, as one asks for it. */
interface Sdk {
  /** Daily bars of three weeks. */
  bars(options?: object, limit?: number): Promise<unknown>
  trade(symbol: string): Promise<unknown>
}

interface Choice {
  readonly key?: string
  readonly pagination?: boolean
}

const SDKS: Readonly<Record<string, (url: string, choice?: Choice) => Sdk>> = {
  polygon: (url, { key = 'key', pagination = false } = {}) => {
    const client = polygon.restClient(key, url, { pagination })
    const { GetStocksAggregatesTimespanEnum: Timespan } = polygon
    return {
      bars: (options, limit) =>
        client.getStocksAggregates(
          'AAPL',
          1,
          Timespan.Day,
          '2025-12-01',
          '2025-12-19',
          undefined,
          undefined,
          limit,
          options,
        ),
      trade: (symbol) => client.getLastStocksTrade(symbol),
    }
  },
  massive: (url, { key = 'key', pagination = false } = {}) => {
    const client = massive.restClient(key, url, { pagination })
    const { GetStocksAggregatesTimespanEnum: timespans } = massive
    const query = { stocksTicker: 'AAPL', multiplier: 1, timespan: timespans.Day, from: '2025-12-01', to: '2025-12-19' }
    return {
      bars: (options, limit) => client.getStocksAggregates(limit === undefined ? query : { ...query, limit }, options),
      trade: (stocksTicker) => client.getLastStocksTrade({ stocksTicker }),
    }
  },
}

describe.each(Object.keys(SDKS))('%s', (name) => {
  async function open(choice?: Choice, clock?: VirtualClock): Promise<StandIns & { readonly sdk: Sdk }> {
    const standIns = await startStandIns(clock === undefined ? {} : { clock })
    const sdk = SDKS[name]?.(standIns.upstreams.urls.polygon, choice)
    if (sdk === undefined) throw new Error(`there is no ${name}`)
    return { ...standIns, sdk }
  }

  it('reads bars and the last trade', async () => {
    const { sdk } = await open()
    expect(await sdk.bars()).toMatchObject({ ticker: 'AAPL', status: 'OK', resultsCount: 15 })
    expect(await sdk.trade('AAPL')).toMatchObject({ status: 'OK', results: { T: 'AAPL' } })
  })

  it.each([
    [{ key: 'wrong' }, 'AAPL', 401, { status: 'ERROR', error: 'Unknown API Key' }],
    [{ key: 'unentitled' }, 'AAPL', 403, { status: 'NOT_AUTHORIZED' }],
    [{}, 'NOPE', 404, { status: 'NOT_FOUND', message: 'Ticker not found.' }],
  ])('is refused with %j for %s: %d', async (choice, symbol, status, data) => {
    const { sdk } = await open(choice)
    await expect(sdk.trade(symbol)).rejects.toMatchObject({ code: 'ERR_BAD_REQUEST', response: { status, data } })
  })

  it('is refused with 429 beyond five requests a minute on the free plan, with 500 when a fault wants it', async () => {
    const { sdk, control } = await open({}, new VirtualClock())
    control.setLimits('polygon', { requests: { requests: 5, windowMs: 60_000, window: 'rolling' } })
    for (let request = 0; request < 5; request++) await sdk.bars()
    await expect(sdk.bars()).rejects.toMatchObject({ response: { status: 429 } })
    control.advanceClock(60_000)
    control.setFaults('polygon', { action: { type: 'status', code: 500 } })
    await expect(sdk.bars()).rejects.toMatchObject({ code: 'ERR_BAD_RESPONSE', response: { status: 500 } })
  })

  it('with pages on makes a request for each page, within one call', async () => {
    const { sdk, control } = await open({ pagination: true })
    const all = await sdk.bars(undefined, 4)
    expect(listAt(all, 'results')).toHaveLength(15)
    expect(control.stats('polygon').requests).toBe(4)
  })

  it('hangs for ever unless it is given a signal or a timeout', async () => {
    const { sdk, control } = await open()
    control.setFaults('polygon', { action: { type: 'hang' } })
    await expect(sdk.bars({ timeout: 30 })).rejects.toMatchObject({ code: 'ECONNABORTED' })
    const controller = new AbortController()
    const asked = sdk.bars({ signal: controller.signal })
    controller.abort()
    await expect(asked).rejects.toMatchObject({ code: 'ERR_CANCELED' })
  })
})

it('polygon reads trades of the past, page by page', async () => {
  const { upstreams, polygon: ask, control } = await startStandIns({ clock: new VirtualClock() })
  const client = polygon.restClient('key', upstreams.urls.polygon, { pagination: true })
  control.advanceClock(60_000)
  const day = await ask('/v3/trades/AAPL?timestamp=2025-12-03&limit=50000&order=asc')
  expect(listAt(day.body, 'results')).toHaveLength(390)
  const day3 = ['2025-12-03', undefined, undefined, '2025-12-04'] as const
  const trades = await client.getStocksTrades('AAPL', undefined, ...day3, undefined, 100)
  expect(listAt(trades, 'results')).toHaveLength(390)
  expect((await ask('/v3/trades/AAPL?timestamp=soon')).status).toBe(400)
  expect(listAt((await ask('/v3/trades/AAPL')).body, 'results')).toHaveLength(31)
  expect(listAt((await ask('/v3/trades/NOPE')).body, 'results')).toEqual([])
})
