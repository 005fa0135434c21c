import { VirtualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import { Deadline } from '../../src/pipeline/deadline.ts'
import { DeadlineList } from '../../src/pipeline/deadline-list.ts'
import { Reading } from '../../src/pipeline/reading.ts'
import { StallLog } from '../../src/pipeline/stall-log.ts'

describe('a reading of the clock', () => {
  const setUp = () => {
    const clock = new VirtualClock()
    const readings: number[] = []
    const stalls: [number, number][] = []
    const counting = {
      now: () => {
        readings.push(clock.now())
        return clock.now()
      },
      wallTime: () => clock.wallTime(),
      setTimer: clock.setTimer.bind(clock),
      block: clock.block.bind(clock),
    }
    const reading = new Reading(counting, (from, until) => stalls.push([from, until]))
    return { clock, reading, readings, stalls }
  }

  it('is made each time by those who come one by one', async () => {
    const { clock, reading, readings } = setUp()
    for (let call = 0; call < 10; call++) {
      expect(reading.now()).toBe(clock.now())
      await clock.advance(1)
    }
    expect(readings).toHaveLength(10)
    expect(clock.pendingTimers).toBe(0)
  })

  it('is made each time, and without a timer, for the requests of a busy server', async () => {
    const { clock, reading, readings } = setUp()
    for (let request = 0; request < 100; request++) {
      expect(reading.now()).toBe(clock.now())
      await clock.advance(0.002)
    }
    expect(readings).toHaveLength(100)
    expect(clock.pendingTimers).toBe(0)
  })

  it('serves 64 in a storm', () => {
    const { reading, readings } = setUp()
    for (let call = 0; call < 1 + 64 * 10; call++) reading.now()
    expect(readings).toHaveLength(11)
  })

  it('is at most 2 ms old, and keeps no process up', async () => {
    const { clock, reading } = setUp()
    for (let call = 0; call < 5; call++) reading.now()
    await clock.advance(1.5)
    expect(reading.now()).toBe(0)
    expect(clock.pendingTimersThatKeepAlive).toBe(0)
    await clock.advance(0.6)
    expect(reading.now()).toBe(2.1)
    expect(clock.pendingTimers).toBe(0)
  })

  it('tells how long the loop stood still while it was used', async () => {
    const { clock, reading, stalls } = setUp()
    for (let call = 0; call < 5; call++) reading.now()
    clock.block(300)
    expect(reading.now()).toBe(0)
    await clock.advance(0)
    expect(stalls).toEqual([[0, 300]])
    expect(reading.now()).toBe(300)
  })

  it('of a storm that goes on through a stall is made anew after 64 uses, and tells too', () => {
    const { clock, reading, stalls } = setUp()
    for (let call = 0; call < 5; call++) reading.now()
    clock.block(300)
    for (let call = 0; call < 64; call++) reading.now()
    expect(reading.now()).toBe(300)
    expect(stalls).toEqual([[0, 300]])
  })
})

describe('deadlines that were set at a moment that had passed', () => {
  it('are put off by as much, and no others', async () => {
    const clock = new VirtualClock()
    const list = new DeadlineList(clock, 1_000, new StallLog())
    const due: string[] = []
    const add = (name: string, now: number): void =>
      list.add(new Deadline({ due: (_deadline, at) => due.push(`${name} at ${at}`) }), now)
    add('before', clock.now())
    await clock.advance(100)
    add('stale', clock.now())
    clock.block(300)
    add('stale too', 100)
    list.shift(100, 400)
    add('after', 450)
    await clock.advance(2_000)
    expect(due).toEqual(['before at 1000', 'stale at 1400', 'stale too at 1400', 'after at 1450'])
  })
})
