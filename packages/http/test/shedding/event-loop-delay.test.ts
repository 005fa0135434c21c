import { VirtualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import { EventLoopDelay } from '../../src/shedding/event-loop-delay.ts'

/** As long as somebody asks all the time. */
async function keepAsking(clock: VirtualClock, delay: EventLoopDelay, forMs: number): Promise<void> {
  for (let passed = 0; passed < forMs; passed += 5) {
    delay.read()
    await clock.advance(5)
  }
}

describe('the delay of the event loop', () => {
  it('is nothing while the loop turns', async () => {
    const clock = new VirtualClock()
    const delay = new EventLoopDelay(clock)
    await keepAsking(clock, delay, 1_000)
    expect(delay.read()).toBe(0)
  })

  it('is seen in the very turn that takes long', async () => {
    const clock = new VirtualClock()
    const delay = new EventLoopDelay(clock)
    delay.read()
    clock.block(70)
    expect(delay.read()).toBe(60)
    clock.block(40)
    expect(delay.read()).toBe(100)
  })

  it('is remembered for some ticks, by halves', async () => {
    const clock = new VirtualClock()
    const delay = new EventLoopDelay(clock)
    delay.read()
    clock.block(110)
    await clock.advance(0)
    expect(delay.read()).toBe(50)
    await clock.advance(10)
    expect(delay.read()).toBe(25)
    await keepAsking(clock, delay, 200)
    expect(delay.read()).toBeLessThan(1)
  })

  it('is not asked for when nobody wants to know, and keeps no process alive', async () => {
    const clock = new VirtualClock()
    const delay = new EventLoopDelay(clock)
    delay.read()
    expect([clock.pendingTimers, clock.pendingTimersThatKeepAlive]).toEqual([1, 0])
    await clock.advance(100)
    expect(clock.pendingTimers).toBe(0)
    expect(delay.read()).toBe(0)
  })
})
