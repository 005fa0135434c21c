import { VirtualClock } from '@holdfast/testing'
import type { Timer } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { eventually, MARKET_ORDER, openWire, requestText, type StandIns, startStandIns } from '../support.ts'

/** Stand-ins whose time only the test moves. */
async function startAt(clock: VirtualClock): Promise<StandIns> {
  return await startStandIns({ clock, workers: { count: 2, minMs: 0, maxMs: 0 } })
}

/** Knows how long it was last asked to wait. */
class NotingClock extends VirtualClock {
  lastDelayMs = 0

  override setTimer(callback: () => void, delayMs: number, keepsAlive?: boolean): Timer {
    this.lastDelayMs = delayMs
    return super.setTimer(callback, delayMs, keepsAlive)
  }
}

/** Waits until so many timers wait in the stand-ins: that many answers are late. */
async function late(clock: VirtualClock, count: number): Promise<void> {
  await eventually(() => expect(clock.pendingTimers).toBe(count))
}

describe('latency', () => {
  it('before the effect lets an order take effect late', async () => {
    const clock = new VirtualClock()
    const { alpaca, control } = await startAt(clock)
    control.setFaults('alpaca', { action: { type: 'latency' } })
    const answer = alpaca('/v2/orders', { method: 'POST', body: MARKET_ORDER })
    await late(clock, 1)
    await clock.advance(999)
    expect(clock.pendingTimers).toBe(1)
    expect(control.ledger()).toEqual([])
    await clock.advance(1)
    expect((await answer).status).toBe(200)
    await eventually(() => expect(control.ledger()).toMatchObject([{ kind: 'submit', acked: true }]))
  })

  it('after the effect makes only the answer late', async () => {
    const clock = new VirtualClock()
    const { alpaca, control } = await startAt(clock)
    control.setFaults('alpaca', { action: { type: 'latency', ms: 50, where: 'after' } })
    const answer = alpaca('/v2/orders', { method: 'POST', body: MARKET_ORDER })
    await late(clock, 1)
    expect(control.ledger()).toMatchObject([{ kind: 'submit', acked: false }])
    await clock.advance(50)
    expect((await answer).status).toBe(200)
    await eventually(() => expect(control.ledger()).toMatchObject([{ kind: 'submit', acked: true }]))
  })

  it('keeps a worker busy, so that others queue behind it', async () => {
    const clock = new VirtualClock()
    const { alpaca, control } = await startAt(clock)
    control.setFaults('alpaca', { match: { path: 'account' }, action: { type: 'latency', ms: 100 } })
    const slow = [alpaca('/v2/account'), alpaca('/v2/account')]
    await late(clock, 2)
    const queued = alpaca('/v2/clock')
    await eventually(() => expect(control.stats('alpaca')).toMatchObject({ requests: 3, concurrentMax: 3 }))
    await clock.advance(99)
    expect(control.log()).toEqual([])
    await clock.advance(1)
    expect((await queued).status).toBe(200)
    await Promise.all(slow)
    await eventually(() => expect(control.log()).toHaveLength(3))
    expect(control.log()[0]).toMatchObject({ path: '/v2/account' })
  })

  it('takes an order from a client that has given up meanwhile', async () => {
    const clock = new VirtualClock()
    const { ports, control } = await startAt(clock)
    control.setFaults('alpaca', { action: { type: 'latency', ms: 100 } })
    const wire = openWire(ports.alpaca, requestText('/v2/orders', { method: 'POST', body: MARKET_ORDER }))
    await late(clock, 1)
    wire.giveUp()
    await eventually(() => expect(control.log()).toHaveLength(1))
    expect(control.ledger()).toEqual([])
    await clock.advance(100)
    await eventually(() => expect(control.lateExecutions()).toHaveLength(1))
  })

  it.each([
    [{ dist: 'fixed', ms: 70 }, [70, 70]],
    [{ dist: 'uniform', minMs: 100, maxMs: 200 }, [100, 200]],
    [{ dist: 'lognormal', medianMs: 100, sigma: 0 }, [100, 100]],
    [{ dist: 'lognormal', medianMs: 100, sigma: 0.5 }, [5, 2_000]],
    [{ dist: 'pareto', xm: 100, alpha: 3 }, [100, 5_000]],
  ])('of %j lies between %j ms', async (spread, [least = 0, most = 0]) => {
    const clock = new NotingClock()
    const { alpaca, control } = await startAt(clock)
    control.setFaults('alpaca', { action: { type: 'latency', ...spread } })
    const durations = new Set<number>()
    for (let round = 0; round < 8; round++) {
      const answer = alpaca('/v2/clock')
      await late(clock, 1)
      const took = clock.lastDelayMs
      await clock.advance(took)
      expect(took).toBeGreaterThanOrEqual(least)
      expect(took).toBeLessThanOrEqual(most)
      durations.add(took)
      expect((await answer).status).toBe(200)
    }
    expect(durations.size).toBe(least === most ? 1 : 8)
  })
})

describe('a slow drip', () => {
  it('brings the whole answer, a few bytes at a time', async () => {
    const clock = new VirtualClock()
    const { ports, control } = await startAt(clock)
    control.setFaults('alpaca', { action: { type: 'slowDrip', bytes: 40, everyMs: 100 } })
    const wire = openWire(ports.alpaca, requestText('/v2/clock'))
    const body = (): string => wire.received().split('\r\n\r\n')[1] ?? ''
    await eventually(() => expect(body()).toHaveLength(40))
    await late(clock, 1)
    await clock.advance(99)
    expect(body()).toHaveLength(40)
    await clock.advance(1)
    await eventually(() => expect(body()).toHaveLength(80))
    await clock.advance(1_000)
    expect(await wire.ended).toBe('closed')
    expect(JSON.parse(body())).toMatchObject({ is_open: true })
    expect(Number(/content-length: (\d+)/i.exec(wire.received())?.[1])).toBe(body().length)
  })

  it('stops when the client gives up, and the ledger knows that the answer never arrived whole', async () => {
    const clock = new VirtualClock()
    const { ports, control } = await startAt(clock)
    control.setFaults('alpaca', { action: { type: 'slowDrip' } })
    const wire = openWire(ports.alpaca, requestText('/v2/orders', { method: 'POST', body: MARKET_ORDER }))
    await eventually(() => expect(wire.received()).toMatch(/\r\n\r\n\{$/))
    wire.giveUp()
    await eventually(() => expect(control.log()).toMatchObject([{ executed: true, outcome: 'cut off' }]))
    expect(control.lateExecutions()).toMatchObject([{ acked: false }])
    await clock.advance(100)
    expect(clock.pendingTimers).toBe(0)
  })
})

describe('a flapping service', () => {
  it.each([
    ['reset', {}],
    ['reset', { downAction: 'reset' }],
    ['status503', { downAction: 'status503' }],
    ['hang', { downAction: 'hang' }],
  ])('works, fails by %s with %j, and works again', async (how, downAction) => {
    const clock = new VirtualClock()
    const { alpaca, ports, control } = await startAt(clock)
    control.setFaults('alpaca', { action: { type: 'flap', ...downAction } })
    expect((await alpaca('/v2/clock')).status).toBe(200)
    await clock.advance(4_999)
    expect((await alpaca('/v2/clock')).status).toBe(200)
    await clock.advance(1)
    for (const elapsed of [0, 4_999]) {
      await clock.advance(elapsed)
      if (how === 'status503') {
        expect((await alpaca('/v2/clock')).status).toBe(503)
      } else if (how === 'reset') {
        await expect(alpaca('/v2/clock')).rejects.toMatchObject({ code: 'ECONNRESET' })
      } else {
        const { requests } = control.stats('alpaca')
        const wire = openWire(ports.alpaca, requestText('/v2/clock'))
        await eventually(() => expect(control.stats('alpaca').requests).toBe(requests + 1))
        expect(wire.received()).toBe('')
      }
    }
    await clock.advance(1)
    expect((await alpaca('/v2/clock')).status).toBe(200)
    expect(control.faults('alpaca')).toMatchObject([{ seen: 2, hits: 2 }])
    await eventually(() => expect(control.stats('alpaca').executed).toBe(3))
  })

  it('keeps to the times that it is given', async () => {
    const clock = new VirtualClock()
    const { alpaca, control } = await startAt(clock)
    control.setFaults('alpaca', { action: { type: 'flap', upMs: 10, downMs: 30, downAction: 'status503' } })
    const statuses: number[] = []
    for (let round = 0; round < 8; round++) {
      statuses.push((await alpaca('/v2/clock')).status)
      await clock.advance(10)
    }
    expect(statuses).toEqual([200, 503, 503, 503, 200, 503, 503, 503])
  })
})
