import { VirtualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import { startStandIns } from '../support.ts'

const ORDER = { symbol: 'AAPL', qty: '1', side: 'buy', type: 'limit', limit_price: '1', time_in_force: 'day' }

describe('the control', () => {
  it('changes a limit, which is then in force and is told', async () => {
    const { ask, alpaca } = await startStandIns({ clock: new VirtualClock() })
    const limit = { requests: 2, windowMs: 60_000, window: 'fixed' }
    const answer = await ask('/_limits/alpaca', { method: 'PUT', body: { trading: limit } })
    expect(answer.body).toMatchObject({ trading: limit, data: { requests: 200 } })
    const statuses: number[] = []
    for (let n = 0; n < 3; n++) statuses.push((await alpaca('/v2/clock')).status)
    expect(statuses).toEqual([200, 200, 429])
    expect((await ask('/_stats/alpaca')).body).toMatchObject({ requests: 3, executed: 2, rateViolations: 1 })
  })

  it('moves the time of limits forward', async () => {
    const { ask, alpaca, control } = await startStandIns({ clock: new VirtualClock() })
    control.setLimits('alpaca', { trading: { requests: 1, windowMs: 60_000, window: 'fixed' } })
    await alpaca('/v2/clock')
    expect((await alpaca('/v2/clock')).status).toBe(429)
    expect((await ask('/_clock', { method: 'POST', body: { advanceMs: 60_000 } })).status).toBe(200)
    expect((await alpaca('/v2/clock')).status).toBe(200)
  })

  it('moves the market with it, as fast as it is told', async () => {
    const { ask, control } = await startStandIns({ clock: new VirtualClock() })
    const before = control.moveClock({ speed: 60 }).marketTime
    const { body } = await ask('/_clock', { method: 'POST', body: { advanceMs: 1_000 } })
    expect(body).toMatchObject({ marketTime: before + 60_000 })
  })

  it('hides a new order from lookups for a while', async () => {
    const clock = new VirtualClock()
    const { ask, alpaca, control } = await startStandIns({ clock })
    await ask('/_visibility', { method: 'PUT', body: 500 })
    await alpaca('/v2/orders', { method: 'POST', body: { ...ORDER, client_order_id: 'mine' } })
    const lookUp = '/v2/orders:by_client_order_id?client_order_id=mine'
    expect((await alpaca(lookUp)).status).toBe(404)
    control.advanceClock(500)
    expect((await alpaca(lookUp)).status).toBe(200)
  })

  it('shows requests as they were on the wire, without the keys', async () => {
    const { ask, alpaca, polygon } = await startStandIns()
    await alpaca('/v2/clock')
    await polygon('/v1/marketstatus/now?apiKey=hidden-key')
    const all = await ask('/_log')
    expect(all.text).not.toContain('hidden-key')
    expect(all.body).toMatchObject([{ upstream: 'alpaca' }, { upstream: 'polygon' }])
    expect((await ask('/_log?upstream=polygon')).body).toMatchObject([{ upstream: 'polygon' }])
    expect((await ask('/_log?since=1')).body).toMatchObject([{ upstream: 'polygon' }])
  })

  it('resets everything: faults, limits, orders, counts', async () => {
    const { ask, alpaca, control } = await startStandIns()
    await alpaca('/v2/orders', { method: 'POST', body: { ...ORDER, client_order_id: 'mine' } })
    control.setFaults('alpaca', { match: { path: '/v2/nothing' }, action: { type: 'hang' } })
    control.setLimits('alpaca', { trading: { requests: 5, windowMs: 1_000, window: 'rolling' } })
    expect((await ask('/_reset', { method: 'POST' })).status).toBe(204)
    expect(control.ledger()).toEqual([])
    expect((await ask('/_stats/alpaca')).body).toMatchObject({ requests: 0 })
    expect(control.faults('alpaca')).toEqual([])
    expect(control.limits('alpaca')).toMatchObject({ trading: { requests: 200 } })
    expect((await alpaca('/v2/orders?status=all')).body).toEqual([])
  })

  it('replays: the same seed gives the same prices, another gives others', async () => {
    const pricesOf = async (seed: number): Promise<string> => {
      const { control, alpaca } = await startStandIns({ clock: new VirtualClock() })
      control.reset(seed)
      return (await alpaca('/v2/stocks/bars?symbols=AAPL&timeframe=1Day&start=2025-12-01')).text
    }
    const first = await pricesOf(7)
    expect(await pricesOf(7)).toBe(first)
    expect(await pricesOf(8)).not.toBe(first)
  })
})

describe('the ledger', () => {
  const submit = (id: string) => ({ method: 'POST', body: { ...ORDER, client_order_id: id } })

  it('has a row for each submission that was executed, with the intent behind it', async () => {
    const { ask, alpaca } = await startStandIns()
    await alpaca('/v2/orders', submit('first#1'))
    await alpaca('/v2/orders', { ...submit('second'), headers: { 'x-intent-id': 'from the header' } })
    await alpaca('/v2/orders', { method: 'POST', body: { ...ORDER, symbol: 'NOPE' } })
    expect((await ask('/_ledger/alpaca')).body).toMatchObject([
      { seq: 1, kind: 'submit', intent: 'first', clientOrderId: 'first#1', acked: true },
      { seq: 2, kind: 'submit', intent: 'from the header', acked: true },
    ])
  })

  it('finds an intent that was executed twice', async () => {
    const { ask, alpaca } = await startStandIns()
    await alpaca('/v2/orders', submit('doubled#1'))
    await alpaca('/v2/orders', submit('doubled#2'))
    await alpaca('/v2/orders', submit('single#1'))
    expect((await ask('/_ledger/alpaca/duplicates')).body).toMatchObject([
      { intent: 'doubled', rows: [{ clientOrderId: 'doubled#1' }, { clientOrderId: 'doubled#2' }] },
    ])
  })

  it('finds an execution whose answer never went out', async () => {
    const { ask, alpaca, control } = await startStandIns()
    control.setFaults('alpaca', { id: 'lost', match: { method: 'POST', times: 1 }, action: { type: 'resetAfter' } })
    await expect(alpaca('/v2/orders', submit('unheard'))).rejects.toMatchObject({ code: 'ECONNRESET' })
    await alpaca('/v2/orders', submit('heard'))
    const late = await ask('/_ledger/alpaca/lateExecutions')
    expect(late.body).toMatchObject([{ clientOrderId: 'unheard', acked: false, faultId: 'lost' }])
    expect((await ask('/_ledger/alpaca/lateExecutions?intent=heard')).body).toEqual([])
  })
})
