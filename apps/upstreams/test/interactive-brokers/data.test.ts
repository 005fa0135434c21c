import { VirtualClock } from '@holdfast/testing'
import { BarSizeSetting, type Contract, IBApiTickType, WhatToShow } from '@stoqey/ib'
import { describe, expect, it } from 'vitest'
import { eventually, startStandIns } from '../support.ts'
import { startRawTws } from './raw-tws.ts'
import { AAPL, EventName, errorFacts, startTwsClient, type TwsClient } from './tws-client.ts'

function ticksOf({ events }: TwsClient, reqId: number): readonly (readonly unknown[])[] {
  return events(EventName.tickPrice)
    .filter(([id]) => id === reqId)
    .map(([, tick, price]) => [tick, price])
}

interface HistoryQuery {
  readonly contract?: Contract
  readonly end?: string
  readonly duration?: string
  readonly size?: BarSizeSetting
  readonly show?: WhatToShow
}

function askHistory(
  { api }: TwsClient,
  reqId: number,
  {
    contract = AAPL,
    end = '',
    duration = '1 D',
    size = BarSizeSetting.MINUTES_FIVE,
    show = WhatToShow.TRADES,
  }: HistoryQuery = {},
): void {
  api.reqHistoricalData(reqId, contract, end, duration, size, show, 1, 1, false)
}

describe('a snapshot', () => {
  it('is bid, ask and last price, then the end', async () => {
    const { ports } = await startStandIns()
    const client = await startTwsClient(ports.ib)
    client.api.reqMktData(11, AAPL, '', true, false)
    expect(await client.heard(EventName.tickSnapshotEnd)).toEqual([11])
    expect(ticksOf(client, 11).map(([tick]) => tick)).toEqual([
      IBApiTickType.BID,
      IBApiTickType.ASK,
      IBApiTickType.LAST,
    ])
  })

  it('of an unknown contract is an error about the request', async () => {
    const { ports } = await startStandIns()
    const client = await startTwsClient(ports.ib)
    client.api.reqMktData(11, { ...AAPL, symbol: 'NOPE' }, '', true, false)
    expect(errorFacts(await client.heard(EventName.error))).toMatchObject({ code: 200, reqId: 11 })
  })

  it('can be asked for by the id of the contract alone', async () => {
    const { ports } = await startStandIns()
    const client = await startTwsClient(ports.ib)
    client.api.reqMktData(11, { conId: 265598, exchange: 'SMART' }, '', true, false)
    await client.heard(EventName.tickSnapshotEnd)
  })
})

describe('a subscription', () => {
  it('tells prices as they change, until it is cancelled', async () => {
    const { ports, control } = await startStandIns({ clock: new VirtualClock() })
    const client = await startTwsClient(ports.ib)
    client.api.reqMktData(11, AAPL, '', false, false)
    await eventually(() => expect(ticksOf(client, 11)).toHaveLength(3))
    for (let minute = 0; minute < 3; minute++) control.advanceClock(60_000)
    await eventually(() => expect(ticksOf(client, 11).length).toBeGreaterThan(3))
    client.api.cancelMktData(11)
    client.api.cancelMktData(11)
    expect(errorFacts(await client.heard(EventName.error))).toMatchObject({ code: 300, reqId: 11 })
    const told = ticksOf(client, 11).length
    control.advanceClock(60_000)
    client.api.reqCurrentTime()
    await client.heard(EventName.currentTime)
    expect(ticksOf(client, 11)).toHaveLength(told)
  })

  it('has a request id of its own, and a client has a hundred of them at most', async () => {
    const { ports } = await startStandIns()
    const raw = await startRawTws(ports.ib)
    const subscribe = (reqId: number) =>
      raw.send(1, 11, reqId, '', 'AAPL', 'STK', '', '', '', '', 'SMART', '', 'USD', '', '', 0, '', 0, 0, '')
    for (let reqId = 1; reqId <= 40; reqId++) subscribe(reqId)
    subscribe(1)
    expect((await raw.heard(4)).slice(2, 4)).toEqual(['-1', '2104'])
    await eventually(() =>
      expect(raw.messages().map((fields) => fields.slice(0, 4))).toContainEqual(['4', '2', '1', '322']),
    )
  })

  it('can be made to look old', async () => {
    const { ports, control } = await startStandIns()
    control.setFaults('ib', { match: { msgId: 1 }, action: { type: 'stale', ageMs: 3_600_000 } })
    const client = await startTwsClient(ports.ib)
    client.api.reqMktData(11, AAPL, '', false, false)
    const [, , time] = await client.heard(EventName.tickString)
    const { marketTime } = control.moveClock({})
    expect(marketTime / 1_000 - Number(time)).toBeGreaterThanOrEqual(3_600)
  })
})

describe('historical data', () => {
  it('is bars, then the end', async () => {
    const { ports } = await startStandIns()
    const client = await startTwsClient(ports.ib)
    askHistory(client, 20, { size: BarSizeSetting.DAYS_ONE, duration: '2 W', end: '20251231 16:00:00 US/Eastern' })
    const [, marker] = await client.heard(EventName.historicalData, 11)
    expect(marker).toBe('finished-20251217 16:00:00 US/Eastern-20251231 16:00:00 US/Eastern')
    const days = client.events(EventName.historicalData).map(([, date]) => date)
    expect(days.slice(0, 3)).toEqual(['20251218', '20251219', '20251222'])
    expect(days).toHaveLength(11)
  })

  it('has its times in words or in seconds', async () => {
    const { ports } = await startStandIns({ clock: new VirtualClock() })
    const client = await startTwsClient(ports.ib)
    askHistory(client, 20, { duration: '600 S' })
    client.api.reqHistoricalData(
      21,
      AAPL,
      '20260105-15:00:00',
      '300 S',
      BarSizeSetting.MINUTES_ONE,
      WhatToShow.TRADES,
      1,
      2,
      false,
    )
    await eventually(() =>
      expect(
        client
          .events(EventName.historicalData)
          .map(([id, date]) => [id, date])
          .slice(0, 4),
      ).toEqual([
        [20, '20260105 09:50:00 US/Eastern'],
        [20, '20260105 09:55:00 US/Eastern'],
        [20, 'finished-20260105 09:50:00 US/Eastern-20260105 10:00:00 US/Eastern'],
        [21, String(Date.UTC(2026, 0, 5, 14, 55) / 1_000)],
      ]),
    )
  })

  it.each([
    [200, { contract: { ...AAPL, symbol: 'NOPE' } }],
    [10314, { end: 'tomorrow' }],
    [10314, { end: '20260105 25:00:00 US/Eastern' }],
    [321, { duration: '1 X' }],
    [321, { duration: '0 D' }],
    [162, { end: '19700105 10:00:00 US/Eastern' }],
  ])('that makes no sense is an error %d: %j', async (code, query) => {
    const { ports } = await startStandIns()
    const client = await startTwsClient(ports.ib)
    askHistory(client, 20, query)
    expect(errorFacts(await client.heard(EventName.error))).toMatchObject({ code, reqId: 20 })
  })

  it('is refused with 162 for the same request within 15 seconds', async () => {
    const { ports, control } = await startStandIns({ clock: new VirtualClock() })
    const client = await startTwsClient(ports.ib)
    askHistory(client, 20)
    askHistory(client, 21)
    expect(errorFacts(await client.heard(EventName.error))).toMatchObject({ code: 162, reqId: 21 })
    expect(control.stats('ib').rateViolations).toBe(1)
    control.advanceClock(15_000)
    askHistory(client, 22)
    await eventually(() => expect(client.events(EventName.historicalData).map(([id]) => id)).toContain(22))
  })

  it('is refused for six requests about one contract within two seconds', async () => {
    const { ports, control } = await startStandIns({ clock: new VirtualClock() })
    const client = await startTwsClient(ports.ib)
    for (let reqId = 1; reqId <= 6; reqId++) askHistory(client, reqId, { duration: `${reqId * 300} S` })
    expect(errorFacts(await client.heard(EventName.error))).toMatchObject({ code: 162, reqId: 6 })
    control.advanceClock(2_000)
    askHistory(client, 7, { duration: '3600 S' })
    await eventually(() => expect(client.events(EventName.historicalData).map(([id]) => id)).toContain(7))
  })

  it('is refused beyond 60 requests in ten minutes, of which bids and asks count twice', async () => {
    const { ports, control } = await startStandIns({ clock: new VirtualClock() })
    const client = await startTwsClient(ports.ib)
    const ask = async (reqId: number, show: WhatToShow = WhatToShow.TRADES): Promise<void> => {
      control.advanceClock(2_000)
      askHistory(client, reqId, { duration: `${reqId} D`, show })
      await eventually(() => expect(control.stats('ib').requests).toBe(reqId + 1))
    }
    for (let reqId = 1; reqId <= 59; reqId++) await ask(reqId)
    expect(client.events(EventName.error)).toEqual([])
    await ask(60, WhatToShow.BID_ASK)
    expect(errorFacts(await client.heard(EventName.error))).toMatchObject({ code: 162, reqId: 60 })
  })

  it('is refused with 162 when 50 requests of the client are not answered yet', async () => {
    const { ports, control } = await startStandIns({ clock: new VirtualClock() })
    const plenty = { requests: 1_000, windowMs: 1_000, window: 'rolling' }
    control.setLimits('ib', { messages: plenty, historicalForContract: plenty })
    const client = await startTwsClient(ports.ib)
    // All answers wait for the first.
    control.setFaults('ib', { match: { msgId: 20, times: 1 }, action: { type: 'latency', ms: 5_000, where: 'after' } })
    for (let reqId = 1; reqId <= 51; reqId++) askHistory(client, reqId, { duration: `${reqId} D` })
    await eventually(() => expect(control.stats('ib')).toMatchObject({ requests: 52, rateViolations: 1 }))
    control.advanceClock(5_000)
    expect(errorFacts(await client.heard(EventName.error))).toMatchObject({ code: 162, reqId: 51 })
    askHistory(client, 52, { duration: '52 D' })
    await eventually(() => expect(client.events(EventName.historicalData).map(([id]) => id)).toContain(52))
  })
})

describe('the account', () => {
  it('tells its positions and its figures', async () => {
    const { ports } = await startStandIns()
    const client = await startTwsClient(ports.ib)
    client.api.reqPositions()
    await client.heard(EventName.positionEnd)
    expect(client.events(EventName.position)).toEqual([])
    client.api.reqAccountSummary(6, 'All', 'NetLiquidation,BuyingPower,NoSuchTag')
    expect(await client.heard(EventName.accountSummaryEnd)).toEqual([6])
    expect(client.events(EventName.accountSummary)).toEqual([
      [6, 'DU1234567', 'NetLiquidation', '1000000.00', 'USD'],
      [6, 'DU1234567', 'BuyingPower', '1000000.00', 'USD'],
    ])
    client.api.reqAccountSummary(7, 'Mine', 'NetLiquidation')
    expect(errorFacts(await client.heard(EventName.error))).toMatchObject({ code: 321, reqId: 7 })
  })
})

describe('the limit of messages', () => {
  it('is 50 a second for each connection: what is over is told as 100 and not done, and the third time ends it', async () => {
    const { ports, control } = await startStandIns({ clock: new VirtualClock() })
    const client = await startTwsClient(ports.ib)
    const other = await startTwsClient(ports.ib, 2)
    for (let message = 0; message < 50; message++) client.api.reqCurrentTime()
    await client.heard(EventName.currentTime, 49)
    expect(client.events(EventName.currentTime)).toHaveLength(49)
    expect(client.events(EventName.info).at(-1)?.[0]).toBe(
      'Max rate of messages per second has been exceeded:max=50 rec=51 (1)',
    )
    control.advanceClock(1_000)
    client.api.reqCurrentTime()
    await client.heard(EventName.currentTime, 50)
    for (let message = 0; message < 51; message++) client.api.reqCurrentTime()
    await client.heard(EventName.disconnected)
    expect(control.stats('ib').rateViolations).toBe(3)
    other.api.reqCurrentTime()
    await other.heard(EventName.currentTime)
  })

  it('and the patience beyond it can be changed', async () => {
    const { ports, control } = await startStandIns({ clock: new VirtualClock() })
    control.setFaults('ib', { action: { type: 'pacing', limit: 2, violationsBeforeDisconnect: 1 } })
    const client = await startTwsClient(ports.ib)
    client.api.reqCurrentTime()
    client.api.reqCurrentTime()
    await client.heard(EventName.disconnected)
    expect(client.events(EventName.currentTime)).toHaveLength(1)
    control.clearFaults('ib')
    control.setLimits('ib', { messages: { requests: 1, windowMs: 1_000, window: 'rolling' } })
    const slow = await startTwsClient(ports.ib)
    slow.api.reqCurrentTime()
    await eventually(() => expect(slow.events(EventName.info).map(([, code]) => code)).toContain(100))
  })
})
