import { VirtualClock } from '@holdfast/testing'
import { createResilience } from 'holdfast'
import { describe, expect, it } from 'vitest'
import type { Quote } from '../../src/index.ts'
import {
  createInteractiveBrokersDataProvider,
  type InteractiveBrokersDataProvider,
} from '../../src/interactive-brokers/interactive-brokers-data-provider.ts'
import { rejection } from '../support.ts'
import { eventually, type LinkBench, openLink, startTws } from './tws-bench.ts'

async function startData(
  clock?: VirtualClock,
): Promise<
  LinkBench & { control: Awaited<ReturnType<typeof startTws>>['control']; data: InteractiveBrokersDataProvider }
> {
  const { ports, control } = await startTws(clock === undefined ? {} : { clock })
  const bench = openLink(ports.ib)
  const resilience = createResilience({
    services: { data: { profile: 'DATA_PROVIDER', retry: { baseDelayMs: 1, jitter: 'none' } } },
  })
  return {
    ...bench,
    control,
    data: createInteractiveBrokersDataProvider({ tws: bench.link, service: resilience.service('data'), clock }),
  }
}

const isHistory = ({ method }: { readonly method: string }): boolean => method === 'REQ_HISTORICAL_DATA'

describe('Interactive Brokers’ market data', () => {
  it('are bars of days, at midnight in New York', async () => {
    const { data } = await startData()
    const bars = await data.getBars('AAPL', { timeframe: '1Day', from: '2025-12-29', to: '2025-12-31' })
    expect(bars.map(({ at }) => new Date(at).toISOString())).toEqual([
      '2025-12-29T05:00:00.000Z',
      '2025-12-30T05:00:00.000Z',
      '2025-12-31T05:00:00.000Z',
    ])
    expect(bars[0]).toMatchObject({ open: expect.any(Number), volume: expect.any(Number) })
  })

  it('are bars of minutes, of the span that was asked for', async () => {
    const { data } = await startData()
    const query = { timeframe: '5Min', from: '2025-12-29T15:00:00Z', to: '2025-12-29T15:19:59Z' } as const
    const bars = await data.getBars('MSFT', query)
    expect(bars.map(({ at }) => new Date(at).toISOString().slice(11, 16))).toEqual(['15:00', '15:05', '15:10', '15:15'])
    expect(await data.getBars('MSFT', { ...query, to: '2025-12-29T15:21:00Z', limit: 2 })).toHaveLength(2)
  })

  it('are a quote with sizes and its time', async () => {
    const { data } = await startData()
    const quote = await data.getQuote('AAPL')
    expect(quote.ask).toBeGreaterThan(quote.bid)
    expect(quote.bidSize).toBeGreaterThan(0)
    expect(quote.askSize).toBeGreaterThan(0)
    expect(new Date(quote.at).toISOString()).toMatch(/^2026-01-05T15:0/)
  })

  it('are quotes that go on after the connection was made again, and after TWS lost its data', async () => {
    const { data, control, happened } = await startData()
    const quotes: Quote[] = []
    const stop = data.streamQuotes('AAPL', (quote) => quotes.push(quote))
    await eventually(() => expect(quotes.length).toBeGreaterThan(0))
    control.setFaults('ib', { action: { type: 'restart', forMs: 1 } })
    await happened('connected', 2)
    control.clearFaults('ib')
    const more = async (): Promise<void> => {
      const seen = quotes.length
      await eventually(() => {
        control.advanceClock(60_000)
        expect(quotes.length).toBeGreaterThan(seen)
      })
    }
    await more()
    control.setFaults('ib', { action: { type: '1100', forMs: 1, restoredAs: 1101 } })
    await happened('connectivity-restored')
    await more()
    stop()
    await eventually(() => expect(control.log(0, 'ib').map(({ method }) => method)).toContain('CANCEL_MKT_DATA'))
  })

  it('of what is not traded are a 404', async () => {
    const { data } = await startData()
    expect(await rejection(data.getQuote('NOPE'))).toMatchObject({ status: 404, code: 'TWS_200' })
    expect(
      await rejection(data.getBars('NOPE', { timeframe: '1Day', from: '2025-12-29', to: '2025-12-31' })),
    ).toMatchObject({ status: 404 })
  })

  it('keep to the pace: six requests for one contract at once break no rule', async () => {
    const clock = new VirtualClock({ wallTime: Date.UTC(2026, 0, 5, 15) })
    const { data, control } = await startData(clock)
    const days = ['29', '30', '31'].map((day) => `2025-12-${day}`)
    const asked = days.flatMap((day) =>
      (['1Min', '5Min'] as const).map((timeframe) => data.getBars('AAPL', { timeframe, from: day, to: day })),
    )
    await eventually(() => expect(control.log(0, 'ib').filter(isHistory)).toHaveLength(5))
    await clock.advance(2_499)
    expect(control.log(0, 'ib').filter(isHistory)).toHaveLength(5)
    await clock.advance(1)
    const bars = await Promise.all(asked)
    expect(bars.map((list) => list.length)).toEqual([390, 78, 390, 78, 390, 78])
    expect(control.stats('ib').rateViolations).toBe(0)
  })
})
