import { VirtualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import { type StandIns, startStandIns } from '../support.ts'

/** Stand-ins that allow one request in ten minutes, and whose time only the test moves. */
async function startStrict(action: object, match: object = {}): Promise<StandIns & { readonly clock: VirtualClock }> {
  const clock = new VirtualClock()
  const standIns = await startStandIns({ clock })
  const { control } = standIns
  const limit = { requests: 1, windowMs: 600_000, window: 'fixed' }
  control.setLimits('alpaca', { trading: limit, data: limit })
  control.setFaults('alpaca', { match, action: { type: 'ban', ...action } })
  return { ...standIns, clock }
}

describe('a ban', () => {
  it('shuts out who goes over the limit, for a minute, and says how long', async () => {
    const { alpaca, clock, control } = await startStrict({})
    expect((await alpaca('/v2/clock')).status).toBe(200)
    expect((await alpaca('/v2/clock')).status).toBe(429)
    expect(control.stats('alpaca')).toMatchObject({ rateViolations: 1, bannedUntil: clock.wallTime() + 60_000 })
    // It holds for everything, be it within its own limit or not, and for every key: it goes by where requests come from.
    const other = { 'apca-api-key-id': 'another' }
    expect(await alpaca('/v2/stocks/AAPL/trades/latest')).toMatchObject({
      status: 418,
      headers: { 'retry-after': '60' },
    })
    expect((await alpaca('/v2/clock', { headers: other })).status).toBe(418)
    await clock.advance(59_999)
    expect(await alpaca('/v2/clock')).toMatchObject({ status: 418, headers: { 'retry-after': '1' } })
    await clock.advance(1)
    expect((await alpaca('/v2/clock', { headers: other })).status).toBe(200)
    expect(control.stats('alpaca').bannedUntil).toBeNull()
  })

  it('has the status, the length and the patience that it is given', async () => {
    const { alpaca, clock } = await startStrict({ afterViolations: 3, forMs: 5_000, status: 403 })
    const statuses: number[] = []
    for (let round = 0; round < 5; round++) statuses.push((await alpaca('/v2/clock')).status)
    expect(statuses).toEqual([200, 429, 429, 429, 403])
    await clock.advance(5_000)
    // Over the limit still, and so out again.
    expect((await alpaca('/v2/clock')).status).toBe(429)
    expect((await alpaca('/v2/clock')).status).toBe(403)
  })

  it('forgets violations that lie further back than it looks', async () => {
    const { alpaca, clock } = await startStrict({ afterViolations: 2, withinMs: 1_000 })
    await alpaca('/v2/clock')
    for (let round = 0; round < 3; round++) {
      await clock.advance(1_000)
      expect((await alpaca('/v2/clock')).status).toBe(429)
    }
    await clock.advance(999)
    expect((await alpaca('/v2/clock')).status).toBe(429)
    expect((await alpaca('/v2/clock')).status).toBe(418)
  })

  it('looks only at the requests that its rule matches, and counts them', async () => {
    const { alpaca, control } = await startStrict({}, { path: '/orders', after: 1 })
    for (const path of ['/v2/account', '/v2/account', '/v2/account', '/v2/orders']) await alpaca(path)
    expect(control.faults('alpaca')).toMatchObject([{ seen: 1, hits: 0 }])
    expect((await alpaca('/v2/account')).status).toBe(429)
    expect((await alpaca('/v2/orders')).status).toBe(429)
    expect((await alpaca('/v2/account')).status).toBe(418)
    expect(control.faults('alpaca')).toMatchObject([{ seen: 2, hits: 1 }])
  })

  it.each(['DELETE /_faults', 'DELETE /_faults/alpaca', 'PUT /_faults/alpaca', 'POST /_reset'])(
    'ends with %s',
    async (line) => {
      const { alpaca, ask, control } = await startStrict({})
      await alpaca('/v2/clock')
      await alpaca('/v2/clock')
      expect((await alpaca('/v2/clock')).status).toBe(418)
      const [method = '', path = ''] = line.split(' ')
      expect((await ask(path, { method, ...(method === 'PUT' ? { body: [] } : {}) })).status).toBeLessThan(300)
      expect(control.stats('alpaca').bannedUntil).toBeNull()
      // Over the limit or not, but no longer banned.
      expect((await alpaca('/v2/clock')).status).toBe(line === 'POST /_reset' ? 200 : 429)
    },
  )
})
