import { VirtualClock } from '@holdfast/testing'
import { systemClock } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { EventLoopDelay, idleTimeOf } from '../../src/shedding/event-loop-delay.ts'

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

describe('a loop that has nothing but work', () => {
  /** Turns of so many milliseconds, as long as somebody asks all the time; between them the loop waits, or does not. */
  async function turn(count: number, { waitMs }: { waitMs: number }) {
    const clock = new VirtualClock()
    let idleMs = 0
    const delay = new EventLoopDelay(clock, () => idleMs)
    for (let index = 0; index < count; index++) {
      delay.read()
      clock.block(2)
      idleMs += waitMs
      await clock.advance(waitMs)
    }
    return delay
  }

  it('is known for as long as it has been so, however short its turns are', async () => {
    const delay = await turn(100, { waitMs: 0 })
    expect(delay.read()).toBeLessThan(5)
    expect(delay.busyForMs).toBe(200)
  })

  it('is forgotten as soon as it has waited for something to do', async () => {
    const delay = await turn(100, { waitMs: 1 })
    expect(delay.busyForMs).toBeLessThan(15)
  })

  it('is not known where the runtime does not tell, or the clock is not its own', async () => {
    expect(idleTimeOf(new VirtualClock())).toBeUndefined()
    const clock = new VirtualClock()
    const delay = new EventLoopDelay(clock)
    delay.read()
    clock.block(1_000)
    expect(delay.busyForMs).toBe(0)
  })

  it('is told by Node', async () => {
    const idleTime = idleTimeOf(systemClock)
    const before = idleTime?.() ?? Number.NaN
    await new Promise((resolve) => void systemClock.setTimer(() => resolve(undefined), 20))
    expect((idleTime?.() ?? Number.NaN) - before).toBeGreaterThan(0)
  })
})
