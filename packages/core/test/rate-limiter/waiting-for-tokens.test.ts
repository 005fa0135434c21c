import { RateLimitedError } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { rejection } from '../support.ts'
import { limiterWith } from './limiter-with.ts'

describe('waiting for tokens', () => {
  it('is first come, first served', async () => {
    const { clock, limiter } = limiterWith({ tokensPerSecond: 1, burstSize: 1 })
    const order: string[] = []
    await limiter.acquire()
    const wait = async (name: string, cost?: number): Promise<void> => {
      await limiter.acquire({ cost })
      order.push(`${name} at ${clock.now()}`)
    }
    const all = [wait('first'), wait('second'), wait('third')]
    expect(limiter.snapshot().queued).toBe(3)
    await clock.runToRest()
    await Promise.all(all)
    expect(order).toEqual(['first at 1000', 'second at 2000', 'third at 3000'])
    expect(clock.pendingTimers).toBe(0)
  })

  it('is not overtaken by who does not wait', async () => {
    const { clock, limiter } = limiterWith({ tokensPerSecond: 1, burstSize: 2 })
    await limiter.acquire({ cost: 2 })
    const patient = limiter.acquire({ cost: 2 })
    await clock.advance(1_500)
    expect(limiter.tryAcquire()).toMatchObject({ allowed: false, retryAfterMs: 1_500 })
    await clock.advance(500)
    await patient
  })

  it('is refused on arrival when it could not be in time, and costs nothing', async () => {
    const { limiter } = limiterWith({ tokensPerSecond: 1, burstSize: 1 })
    await limiter.acquire()
    const error = await rejection(limiter.acquire({ maxWaitMs: 999 }))
    expect(error).toBeInstanceOf(RateLimitedError)
    expect(error).toMatchObject({ retryAfterMs: 1_000 })
    expect(limiter.snapshot()).toMatchObject({ queued: 0, totals: { admitted: 1, refused: 1 } })
  })

  it('counts those ahead when it says whether it can be in time', async () => {
    const { clock, limiter } = limiterWith({ tokensPerSecond: 1, burstSize: 1, maxWaitMs: 2_000 })
    await limiter.acquire()
    const waiting = [limiter.acquire(), limiter.acquire()]
    expect(await rejection(limiter.acquire())).toMatchObject({ retryAfterMs: 3_000 })
    await clock.runToRest()
    await Promise.all(waiting)
  })

  it('is refused when too many wait', async () => {
    const { clock, limiter } = limiterWith({ tokensPerSecond: 100, burstSize: 1, maxQueue: 1 })
    await limiter.acquire()
    const waiting = limiter.acquire()
    expect(await rejection(limiter.acquire())).toBeInstanceOf(RateLimitedError)
    await clock.runToRest()
    await waiting
  })

  it('can be given up, and then costs nothing', async () => {
    const { clock, limiter } = limiterWith({ tokensPerSecond: 1, burstSize: 1 })
    await limiter.acquire()
    const controller = new AbortController()
    const given = rejection(limiter.acquire({ signal: controller.signal }))
    const patient = limiter.acquire()
    controller.abort('no longer wanted')
    expect(await given).toBe('no longer wanted')
    await clock.advance(1_000)
    await patient
    expect(await rejection(limiter.acquire({ signal: AbortSignal.abort('never began') }))).toBe('never began')
    expect(clock.pendingTimers).toBe(0)
  })
})
