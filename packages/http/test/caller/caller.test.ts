import { Caller, CallerGoneError, DeadlinePassedError, problemOf } from '@holdfast/http'
import { VirtualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'

describe('a caller who waits so long', () => {
  it('has less and less time, and in the end none', async () => {
    const clock = new VirtualClock()
    const caller = new Caller(clock, 100)
    expect(caller.forOrder()).toEqual({ deadlineMs: 100 })
    await clock.advance(60)
    expect([caller.remainingMs(), caller.forRead().deadlineMs]).toEqual([40, 40])
    await clock.advance(60)
    expect(caller.remainingMs()).toBe(0)
    expect(() => caller.forRead()).toThrow(DeadlinePassedError)
    expect(() => caller.forOrder()).toThrow(DeadlinePassedError)
  })

  it('gives up by himself when his time has passed', async () => {
    const clock = new VirtualClock()
    const { signal } = new Caller(clock, 100)
    await clock.advance(99)
    expect(signal.aborted).toBe(false)
    await clock.advance(1)
    expect(signal.reason).toBeInstanceOf(DeadlinePassedError)
  })

  it('leaves no timer behind when he has his answer', async () => {
    const clock = new VirtualClock()
    const caller = new Caller(clock, 100)
    const { signal } = caller
    caller.end('answered')
    expect(clock.pendingTimers).toBe(0)
    await clock.advance(200)
    expect(signal.aborted).toBe(false)
  })
})

describe('a caller who did not say how long he waits', () => {
  it('waits, and no timer is set for him', () => {
    const clock = new VirtualClock()
    const caller = new Caller(clock, Number.POSITIVE_INFINITY)
    expect(caller.forOrder()).toEqual({})
    expect(caller.forRead().signal?.aborted).toBe(false)
    expect(clock.pendingTimers).toBe(0)
  })

  it('may hang up, before or after somebody looks', () => {
    const [before, after] = [1, 2].map(() => new Caller(new VirtualClock(), Number.POSITIVE_INFINITY))
    before?.end('gone')
    expect(before?.signal.reason).toBeInstanceOf(CallerGoneError)
    const signal = after?.signal
    after?.end('gone')
    after?.end('answered')
    expect(signal?.reason).toBeInstanceOf(CallerGoneError)
  })
})

describe('in problems', () => {
  it('who has gone is a 499, whose time has passed a 504', () => {
    expect(problemOf(new CallerGoneError())).toMatchObject({ status: 499, type: 'urn:holdfast:client-gone' })
    expect(problemOf(new DeadlinePassedError(50))).toMatchObject({ status: 504, type: 'urn:holdfast:deadline-passed' })
  })
})
