import { VirtualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import { type AskInit, type StandIns, startStandIns } from '../support.ts'

const FAULT = { type: 'status', code: 599 } as const

/** Which of the requests met the fault. */
async function hitsOf(
  { alpaca, control }: StandIns,
  match: object,
  requests: readonly (readonly [path: string, init?: AskInit])[],
): Promise<readonly boolean[]> {
  control.setFaults('alpaca', { match, action: FAULT })
  const met: boolean[] = []
  for (const [path, init] of requests) met.push((await alpaca(path, init)).status === 599)
  return met
}

/** The same request again and again. */
function times(count: number): readonly (readonly [string])[] {
  return Array.from({ length: count }, () => ['/v2/clock'] as const)
}

/** From 1, which of a number of equal requests met the fault. */
async function numbersOf(standIns: StandIns, match: object, count = 8): Promise<readonly number[]> {
  const met = await hitsOf(standIns, match, times(count))
  return met.flatMap((hit, index) => (hit ? [index + 1] : []))
}

describe('a rule', () => {
  it('without a match befalls every request', async () => {
    const { alpaca, control } = await startStandIns()
    control.setFaults('alpaca', { action: FAULT })
    for (const path of ['/v2/clock', '/v2/orders', '/nothing']) expect((await alpaca(path)).status).toBe(599)
  })

  it('of one service leaves the other alone', async () => {
    const { polygon, control } = await startStandIns()
    control.setFaults('alpaca', { action: FAULT })
    expect((await polygon('/v1/marketstatus/now')).status).toBe(200)
  })

  it('matches by method, in capitals or not', async () => {
    const standIns = await startStandIns()
    const requests = [
      ['/v2/orders'],
      ['/v2/orders', { method: 'POST', body: {} }],
      ['/v2/orders', { method: 'DELETE' }],
    ] as const
    expect(await hitsOf(standIns, { method: 'POST' }, requests)).toEqual([false, true, false])
    expect(await hitsOf(standIns, { method: 'delete' }, requests)).toEqual([false, false, true])
  })

  it('matches by a regular expression on the path, without the query', async () => {
    const standIns = await startStandIns()
    const requests = [
      ['/v2/account'],
      ['/v2/account?a=1'],
      ['/v2/account/activities'],
      ['/v2/clock?of=account'],
    ] as const
    expect(await hitsOf(standIns, { path: 'account' }, requests)).toEqual([true, true, true, false])
    expect(await hitsOf(standIns, { path: '^/v2/(account|clock)$' }, requests)).toEqual([true, true, false, true])
  })

  it('matches by headers, all of them, whose names may be written in any way', async () => {
    const standIns = await startStandIns()
    const requests = [
      ['/v2/clock'],
      ['/v2/clock', { headers: { 'x-intent-id': 'a' } }],
      ['/v2/clock', { headers: { 'x-intent-id': 'b' } }],
      ['/v2/clock', { headers: { 'x-intent-id': 'a', 'x-more': '1' } }],
    ] as const
    expect(await hitsOf(standIns, { header: { 'X-Intent-Id': 'a' } }, requests)).toEqual([false, true, false, true])
    const both = { header: { 'x-intent-id': 'a', 'x-more': '1' } }
    expect(await hitsOf(standIns, both, requests)).toEqual([false, false, false, true])
  })

  it('matches the nth request, after so many, and so many times', async () => {
    const standIns = await startStandIns()
    expect(await numbersOf(standIns, { nth: [2, 5] })).toEqual([2, 5])
    expect(await numbersOf(standIns, { after: 6 })).toEqual([7, 8])
    expect(await numbersOf(standIns, { times: 3 })).toEqual([1, 2, 3])
    expect(await numbersOf(standIns, { after: 2, times: 2 })).toEqual([3, 4])
    expect(await numbersOf(standIns, { nth: [1, 3, 5, 7], after: 1, times: 2 })).toEqual([3, 5])
  })

  it('counts only the requests that match it', async () => {
    const standIns = await startStandIns()
    const requests = [['/v2/clock'], ['/v2/orders'], ['/v2/clock'], ['/v2/clock']] as const
    expect(await hitsOf(standIns, { path: 'clock', nth: [2] }, requests)).toEqual([false, false, true, false])
    expect(standIns.control.faults('alpaca')).toMatchObject([{ seen: 3, hits: 1 }])
  })

  it('matches within a window that begins when it is set', async () => {
    const clock = new VirtualClock()
    const { alpaca, control } = await startStandIns({ clock })
    await clock.advance(10_000)
    control.setFaults('alpaca', { match: { window: { fromMs: 1_000, toMs: 2_000 } }, action: FAULT })
    const statuses: number[] = []
    for (const elapsed of [0, 999, 1, 1_000, 1]) {
      await clock.advance(elapsed)
      statuses.push((await alpaca('/v2/clock')).status)
    }
    expect(statuses).toEqual([200, 200, 599, 599, 200])
  })

  it('has a window from its beginning unless told otherwise, which a clock that is moved leaves', async () => {
    const standIns = await startStandIns()
    const { alpaca, control } = standIns
    control.setFaults('alpaca', { match: { window: { toMs: 60_000 } }, action: FAULT })
    expect((await alpaca('/v2/clock')).status).toBe(599)
    control.advanceClock(60_001)
    expect((await alpaca('/v2/clock')).status).toBe(200)
  })

  it('with a probability befalls some, which follow from the seed', async () => {
    const met = async (seed: number): Promise<readonly number[]> =>
      await numbersOf(await startStandIns({ seed }), { probability: 0.5 }, 40)
    const seven = await met(7)
    expect(seven.length).toBeGreaterThan(8)
    expect(seven.length).toBeLessThan(32)
    expect(await met(7)).toEqual(seven)
    expect(await met(8)).not.toEqual(seven)
  })

  it('with probability 0 befalls nobody, and with 1 everybody', async () => {
    const standIns = await startStandIns()
    expect(await numbersOf(standIns, { probability: 0 }, 4)).toEqual([])
    expect(standIns.control.faults('alpaca')).toMatchObject([{ seen: 4, hits: 0 }])
    expect(await numbersOf(standIns, { probability: 1 }, 4)).toEqual([1, 2, 3, 4])
  })
})

describe('several rules', () => {
  it('go by the order in which they stand: the first that matches is applied', async () => {
    const { alpaca, control } = await startStandIns()
    const status = (code: number): object => ({ type: 'status', code })
    control.setFaults('alpaca', [
      { id: 'clock', match: { path: 'clock', times: 1 }, action: status(590) },
      { match: { path: 'v2' }, action: status(591) },
    ])
    control.addFaults('alpaca', { id: 'never', action: status(592) })
    expect((await alpaca('/v2/clock')).status).toBe(590)
    expect((await alpaca('/v2/clock')).status).toBe(591)
    expect((await alpaca('/v2/account')).status).toBe(591)
    expect(control.faults('alpaca')).toMatchObject([
      { id: 'clock', seen: 2, hits: 1 },
      { id: 'fault-1', seen: 2, hits: 2 },
      { id: 'never', seen: 0, hits: 0 },
    ])
  })

  it('are replaced by PUT, added to by POST and taken away by DELETE', async () => {
    const { ask, alpaca } = await startStandIns()
    const path = '/_faults/alpaca'
    const rule = (id: string): object => ({ id, action: { type: 'hang' } })
    const inForce = async (): Promise<unknown> => (await ask(path)).body
    expect((await ask(path, { method: 'PUT', body: [rule('a'), rule('b')] })).body).toMatchObject([
      { id: 'a', match: { header: {}, after: 0, probability: 1 }, action: { type: 'hang', where: 'before' }, seen: 0 },
      { id: 'b' },
    ])
    await ask(path, { method: 'POST', body: rule('c') })
    expect(await inForce()).toMatchObject([{ id: 'a' }, { id: 'b' }, { id: 'c' }])
    await ask(path, { method: 'PUT', body: rule('d') })
    expect(await inForce()).toMatchObject([{ id: 'd' }])
    expect((await ask(path, { method: 'DELETE' })).status).toBe(204)
    expect(await inForce()).toEqual([])
    expect((await alpaca('/v2/clock')).status).toBe(200)
  })

  it('are set for several services at a time; those not named keep theirs', async () => {
    const { ask, control } = await startStandIns()
    control.setFaults('alpaca', { id: 'kept', action: FAULT })
    control.setFaults('polygon', { id: 'old', action: FAULT })
    const answer = await ask('/_faults', { method: 'PUT', body: { polygon: [{ id: 'new', action: FAULT }] } })
    expect(answer.body).toMatchObject({ alpaca: [{ id: 'kept' }], polygon: [{ id: 'new' }] })
    expect((await ask('/_faults')).body).toEqual(answer.body)
    expect((await ask('/_faults', { method: 'DELETE' })).status).toBe(204)
    expect(Object.values(Object((await ask('/_faults')).body)).flat()).toEqual([])
  })
})
