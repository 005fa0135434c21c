/** A read through each bare SDK under each fault of the list: what its caller gets is what docs/upstream-faults.md says. */

import { TimeFrame } from '@alpacahq/alpaca-trade-api'
import { startUpstreams, type Upstreams } from '@holdfast/upstreams'
import * as massive from '@massive.com/client-js'
import * as polygon from '@polygon.io/client-js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { documentAt, tableOf } from '../../../../test/support/markdown.ts'
import { openAlpaca } from '../alpaca/alpaca-client.ts'
import { at, FRED_KEY } from '../support.ts'
import { openYahoo } from '../yahoo/yahoo-client.ts'
import { HTTP_FAULTS, IMPATIENT, PATIENT } from './http-faults.ts'
import { outcomeOf } from './outcome.ts'

interface Column {
  readonly upstream: 'alpaca' | 'polygon' | 'yahoo' | 'fred'
  /** Makes the call, through a client that is new. */
  call(urls: Upstreams['urls'], timeoutMs: number): Promise<unknown>
  isWhole(value: unknown): boolean
}

const FROM = new Date('2025-12-29T00:00:00Z')
const TO = new Date('2026-01-03T00:00:00Z')
const hasResults = (value: unknown): boolean => Array.isArray(at(value, 'results'))

const COLUMNS: Readonly<Record<string, Column>> = {
  Alpaca: {
    upstream: 'alpaca',
    call: ({ alpaca }, timeoutMs) => {
      const client = openAlpaca(alpaca, { timeoutMs })
      return client.marketData.getStockBars({ symbols: 'AAPL', timeframe: TimeFrame.Day, start: FROM, end: TO })
    },
    isWhole: (value) => Array.isArray(at(value, 'AAPL')),
  },
  Polygon: {
    upstream: 'polygon',
    call: (urls, timeoutMs) => {
      const client = polygon.restClient('key', urls.polygon)
      const { GetStocksAggregatesTimespanEnum: spans } = polygon
      const options = { timeout: timeoutMs }
      return client.getStocksAggregates('AAPL', 1, spans.Day, '2025-12-01', '2025-12-19', true, undefined, 50, options)
    },
    isWhole: hasResults,
  },
  Massive: {
    upstream: 'polygon',
    call: (urls, timeoutMs) => {
      const client = massive.restClient('key', urls.polygon)
      const { GetStocksAggregatesTimespanEnum: spans } = massive
      const query = { stocksTicker: 'AAPL', multiplier: 1, timespan: spans.Day, from: '2025-12-01', to: '2025-12-19' }
      return client.getStocksAggregates(query, { timeout: timeoutMs })
    },
    isWhole: hasResults,
  },
  Yahoo: {
    upstream: 'yahoo',
    call: ({ yahoo }, timeoutMs) => openYahoo(yahoo, { timeoutMs }).chart('AAPL', { period1: FROM, period2: TO }),
    isWhole: (value) => Array.isArray(at(value, 'quotes')),
  },
  FRED: {
    upstream: 'fred',
    call: async ({ fred }, timeoutMs) => {
      const url = `${fred}/fred/series/observations?series_id=PAYEMS&file_type=json&limit=3&api_key=${FRED_KEY}`
      const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) })
      const body: unknown = await response.json()
      if (!response.ok) throw Object.assign(new Error('refused'), { name: 'Response', status: response.status })
      return body
    },
    isWhole: (value) => Array.isArray(at(value, 'observations')),
  },
}

let upstreams: Upstreams
let table: ReadonlyMap<string, readonly string[]>

beforeAll(async () => {
  upstreams = await startUpstreams({ ports: {}, workers: { count: 64, minMs: 0, maxMs: 0 } })
  table = tableOf(await documentAt('docs/upstream-faults.md'), ['fault', ...Object.keys(COLUMNS)])
})

afterAll(async () => {
  await upstreams.close()
})

describe.each(Object.entries(COLUMNS))('%s', (name, { upstream, call, isWhole }) => {
  it.each([...HTTP_FAULTS])('under “%s”', async (fault, { action, overLimit = false }) => {
    const { control, urls } = upstreams
    control.reset()
    control.setFaults(upstream, { action })
    if (overLimit) {
      const one = { requests: 1, windowMs: 60_000, window: 'fixed' }
      for (const limit of Object.keys(control.limits(upstream))) control.setLimits(upstream, { [limit]: one })
      for (let time = 0; time < 2; time++) await call(urls, PATIENT).catch(() => undefined)
    }
    const column = Object.keys(COLUMNS).indexOf(name)
    expect(await outcomeOf(() => call(urls, fault === 'hang' ? IMPATIENT : PATIENT), isWhole)).toBe(
      table.get(fault)?.[column],
    )
  })
})

it('the table has the faults of the list, and no others', () => {
  expect([...table.keys()]).toEqual([...HTTP_FAULTS.keys()])
})
