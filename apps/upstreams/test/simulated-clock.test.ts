import { VirtualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import { SimulatedClock } from '../src/simulated-clock.ts'

function start() {
  const under = new VirtualClock()
  const clock = new SimulatedClock(under)
  const rung: string[] = []
  const ring = (name: string, delayMs: number) => clock.setTimer(() => rung.push(name), delayMs)
  return { under, clock, rung, ring }
}

describe('the clock of the stand-ins', () => {
  it('runs with the one that it is given, and ahead of it once it was moved', async () => {
    const { under, clock } = start()
    const [now, wallTime] = [clock.now(), clock.wallTime()]
    await under.advance(1_000)
    clock.advance(60_000)
    expect(clock.now()).toBe(now + 61_000)
    expect(clock.wallTime()).toBe(wallTime + 61_000)
    expect(under.now()).toBe(1_000)
  })

  it('rings what is due by a move at once, in order, and the rest so much sooner', async () => {
    const { under, clock, rung, ring } = start()
    ring('late', 5_000)
    ring('second', 2_000)
    ring('first', 1_000)
    clock.advance(2_000)
    expect(rung).toEqual(['first', 'second'])
    await under.advance(2_999)
    expect(rung).toHaveLength(2)
    await under.advance(1)
    expect(rung).toEqual(['first', 'second', 'late'])
  })

  it('rings nothing twice, and nothing that was cancelled', async () => {
    const { under, clock, rung, ring } = start()
    ring('kept', 1_000)
    const cancelled = ring('cancelled', 1_000)
    cancelled.cancel()
    clock.advance(1_000)
    await under.advance(5_000)
    expect(rung).toEqual(['kept'])
  })
})
