import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { limiterWith } from './limiter-with.ts'

describe('a limit for each client', () => {
  it('keeps clients apart; who does not say who he is is one client', () => {
    const { limiter } = limiterWith({ perClient: { tokensPerSecond: 1, burstSize: 1 } })
    expect(limiter.tryAcquire({ client: 'a' }).allowed).toBe(true)
    expect(limiter.tryAcquire({ client: 'a' })).toMatchObject({ allowed: false, scope: 'client' })
    expect(limiter.tryAcquire({ client: 'b' }).allowed).toBe(true)
    expect(limiter.tryAcquire().allowed).toBe(true)
    expect(limiter.tryAcquire().allowed).toBe(false)
  })

  it('together with one for all takes from both or from neither', () => {
    const { limiter } = limiterWith({
      tokensPerSecond: 1,
      burstSize: 3,
      perClient: { tokensPerSecond: 1, burstSize: 2 },
    })
    expect(limiter.tryAcquire({ client: 'a' })).toMatchObject({
      allowed: true,
      scope: 'client',
      limit: 2,
      remaining: 1,
    })
    expect(limiter.tryAcquire({ client: 'a' }).allowed).toBe(true)
    expect(limiter.tryAcquire({ client: 'a' })).toMatchObject({ allowed: false, scope: 'client' })
    expect(limiter.snapshot().remaining).toBe(1)
    expect(limiter.tryAcquire({ client: 'b' }).allowed).toBe(true)
    expect(limiter.tryAcquire({ client: 'b' })).toMatchObject({ allowed: false, scope: 'global', limit: 3 })
    expect(limiter.tryAcquire({ client: 'c' })).toMatchObject({ allowed: false, scope: 'global' })
  })

  it('alone decides as it does beside a limit that is never reached', async () => {
    const step = fc.record({
      client: fc.constantFrom('a', 'b', undefined),
      cost: fc.constantFrom(1, 2, 0.5),
      waitMs: fc.integer({ min: 0, max: 2_000 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const perClient = { tokensPerSecond: 1.5, burstSize: 4 }
        const alone = limiterWith({ perClient })
        const beside = limiterWith({ perClient, tokensPerSecond: 1_000_000 })
        for (const { client, cost, waitMs } of steps) {
          await alone.clock.advance(waitMs)
          await beside.clock.advance(waitMs)
          expect(alone.limiter.tryAcquire({ client, cost })).toEqual(beside.limiter.tryAcquire({ client, cost }))
        }
        expect(alone.limiter.snapshot().totals).toEqual(beside.limiter.snapshot().totals)
      }),
    )
  })

  it('alone can be paused', async () => {
    const { clock, limiter } = limiterWith({ perClient: { tokensPerSecond: 1, burstSize: 2 } })
    limiter.pauseFor(5_000)
    expect(limiter.tryAcquire({ client: 'a' })).toMatchObject({ allowed: false, retryAfterMs: 5_000 })
    await clock.advance(5_000)
    expect(limiter.tryAcquire({ client: 'a' }).allowed).toBe(true)
  })

  it('alone obeys what the service says is left', () => {
    const { limiter } = limiterWith({ perClient: { tokensPerSecond: 1, burstSize: 9 } })
    limiter.learn({ remaining: 1, resetMs: 10_000 })
    expect(limiter.tryAcquire({ client: 'a' }).allowed).toBe(true)
    expect(limiter.tryAcquire({ client: 'b' })).toMatchObject({ allowed: false, retryAfterMs: 10_000 })
  })

  it('alone is not given to who comes later than somebody who waits', async () => {
    const { clock, limiter } = limiterWith({ perClient: { tokensPerSecond: 1, burstSize: 1 } })
    limiter.tryAcquire({ client: 'a' })
    const waiting = limiter.acquire({ client: 'a' })
    clock.block(1_000)
    expect(limiter.tryAcquire({ client: 'a' }).allowed).toBe(false)
    await waiting
    await clock.advance(1_000)
    expect(limiter.tryAcquire({ client: 'a' }).allowed).toBe(true)
  })

  it.each(['__proto__', 'constructor', 'toString', '', 'x'.repeat(100_000)])(
    'takes %j for a name like any other',
    (client) => {
      const { limiter } = limiterWith({ perClient: { tokensPerSecond: 1, burstSize: 1 } })
      expect(limiter.tryAcquire({ client }).allowed).toBe(true)
      expect(limiter.tryAcquire({ client }).allowed).toBe(false)
    },
  )

  it('a flood of 100,000 made-up clients neither fills the memory nor frees who is in debt', async () => {
    const { clock, limiter } = limiterWith({ perClient: { tokensPerSecond: 1, burstSize: 5 }, maxClients: 1_000 })
    const offender = { client: 'offender' }
    for (let call = 0; call < 10; call++) limiter.tryAcquire(offender)
    expect(limiter.tryAcquire(offender).allowed).toBe(false)
    let admitted = 0
    for (let made = 0; made < 100_000; made++) if (limiter.tryAcquire({ client: `made-up-${made}` }).allowed) admitted++
    expect(limiter.snapshot().clients).toBe(1_000)
    expect(limiter.tryAcquire(offender).allowed).toBe(false)
    // 999 with a bucket of their own, and 5 that shared one.
    expect(admitted).toBe(1_004)
    await clock.advance(5_000)
    expect(limiter.tryAcquire({ client: 'newcomer' }).allowed).toBe(true)
    expect(limiter.snapshot().clients).toBeLessThanOrEqual(1_000)
  })
})
