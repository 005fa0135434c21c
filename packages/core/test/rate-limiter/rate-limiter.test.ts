import { VirtualClock } from '@holdfast/testing'
import fc from 'fast-check'
import {
  ClientPlace,
  InvalidOptionError,
  newDecision,
  RateLimitedError,
  RateLimiter,
  type RateLimiterOptions,
} from 'holdfast'
import { describe, expect, it } from 'vitest'
import { rejection } from '../support.ts'

function limiterWith(options: RateLimiterOptions) {
  const clock = new VirtualClock()
  return { clock, limiter: new RateLimiter({ clock, ...options }) }
}

describe('a limit for all', () => {
  it('lets the burst through at once, and then as many as come back', async () => {
    const { clock, limiter } = limiterWith({ tokensPerSecond: 2, burstSize: 3 })
    const allowed = (): boolean => limiter.tryAcquire().allowed
    expect([allowed(), allowed(), allowed(), allowed()]).toEqual([true, true, true, false])
    await clock.advance(500)
    expect([allowed(), allowed()]).toEqual([true, false])
    await clock.advance(60_000)
    expect([allowed(), allowed(), allowed(), allowed()]).toEqual([true, true, true, false])
  })

  it('saves up a second’s worth unless told otherwise, at least one', () => {
    expect(limiterWith({ tokensPerSecond: 5 }).limiter.snapshot().burstSize).toBe(5)
    expect(limiterWith({ tokensPerSecond: 5 / 60 }).limiter.snapshot().burstSize).toBe(1)
  })

  it('tells what was decided', async () => {
    const { clock, limiter } = limiterWith({ tokensPerSecond: 2, burstSize: 4 })
    expect(limiter.tryAcquire({ cost: 3 })).toEqual({
      allowed: true,
      scope: 'global',
      limit: 4,
      remaining: 1,
      retryAfterMs: 0,
      resetMs: 1_500,
    })
    expect(limiter.tryAcquire({ cost: 3 })).toEqual({
      allowed: false,
      scope: 'global',
      limit: 4,
      remaining: 1,
      retryAfterMs: 1_000,
      resetMs: 1_500,
    })
    await clock.advance(1_000)
    expect(limiter.tryAcquire({ cost: 3 }).allowed).toBe(true)
  })

  it('no window of any length sees more than burstSize + tokensPerSecond × W', () => {
    fc.assert(
      fc.property(
        fc.record({
          tokensPerSecond: fc.oneof(
            fc.double({ min: 0.001, max: 5_000, noNaN: true }),
            fc.constantFrom(1 / 3, 5 / 60, 0.1, 7),
          ),
          burstSize: fc.oneof(fc.integer({ min: 1, max: 50 }), fc.double({ min: 1, max: 50, noNaN: true })),
        }),
        fc.array(
          fc.record({
            gapMs: fc.oneof(fc.constantFrom(0, 0.001, 1 / 3, 1), fc.double({ min: 0, max: 2_000, noNaN: true })),
            cost: fc.constantFrom(1, 1, 1, 0.5, 0.1),
          }),
          {
            maxLength: 150,
          },
        ),
        ({ tokensPerSecond, burstSize }, arrivals) => {
          const { clock, limiter } = limiterWith({ tokensPerSecond, burstSize })
          const admitted: { at: number; cost: number }[] = []
          for (const { gapMs, cost } of arrivals) {
            clock.block(gapMs)
            if (limiter.tryAcquire({ cost }).allowed) admitted.push({ at: clock.now(), cost })
          }
          for (let first = 0; first < admitted.length; first++) {
            let sum = 0
            for (let last = first; last < admitted.length; last++) {
              sum += admitted[last]?.cost ?? 0
              const windowMs = (admitted[last]?.at ?? 0) - (admitted[first]?.at ?? 0)
              // 1e-9: the sum of the test is in floating point, too.
              expect(sum).toBeLessThanOrEqual(burstSize + (tokensPerSecond * windowMs) / 1_000 + 1e-9)
            }
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  it('gains nothing from a clock that goes back', () => {
    const times = [0, 1_000, 500, 1_000, 0, 900]
    const clock = {
      ...new VirtualClock(),
      now: () => times.shift() ?? 1_000,
      wallTime: () => 0,
      setTimer: () => ({ cancel: () => undefined }),
      block: () => undefined,
    }
    const limiter = new RateLimiter({ tokensPerSecond: 1, burstSize: 1, clock })
    const allowed = [1, 2, 3, 4, 5].map(() => limiter.tryAcquire().allowed)
    expect(allowed.filter(Boolean)).toHaveLength(1)
  })

  it('admits exactly after retryAfterMs, and not a millisecond earlier', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 900, noNaN: true }),
        fc.integer({ min: 1, max: 20 }),
        (tokensPerSecond, burstSize) => {
          const { clock, limiter } = limiterWith({ tokensPerSecond, burstSize })
          while (limiter.tryAcquire().allowed);
          const { retryAfterMs } = limiter.tryAcquire()
          clock.block(retryAfterMs - 1)
          if (retryAfterMs > 1) expect(limiter.tryAcquire().allowed).toBe(false)
          clock.block(1)
          expect(limiter.tryAcquire().allowed).toBe(true)
        },
      ),
    )
  })

  it('loses almost nothing: under steady demand it admits what it should', () => {
    const { clock, limiter } = limiterWith({ tokensPerSecond: 300, burstSize: 10 })
    let admitted = 0
    for (let ms = 0; ms < 100_000; ms++) {
      clock.block(1)
      while (limiter.tryAcquire().allowed) admitted++
    }
    expect(admitted).toBeGreaterThanOrEqual(30_000)
    expect(admitted).toBeLessThanOrEqual(30_010)
  })
})

describe('a limit that is changed while it works', () => {
  it('keeps what was saved up as far as the new one holds it, and makes no tokens', async () => {
    const { clock, limiter } = limiterWith({ tokensPerSecond: 10, burstSize: 10 })
    limiter.setLimit({ tokensPerSecond: 2, burstSize: 4 })
    expect(limiter.snapshot()).toMatchObject({ tokensPerSecond: 2, burstSize: 4, remaining: 4 })
    for (let call = 0; call < 4; call++) expect(limiter.tryAcquire().allowed).toBe(true)
    limiter.setLimit({ tokensPerSecond: 10, burstSize: 10 })
    expect(limiter.tryAcquire().allowed).toBe(false)
    await clock.advance(100)
    expect(limiter.tryAcquire().allowed).toBe(true)
  })

  it('holds for those who wait already', async () => {
    const { clock, limiter } = limiterWith({ tokensPerSecond: 0.1, burstSize: 1 })
    limiter.tryAcquire()
    let admitted = false
    void limiter.acquire().then(() => {
      admitted = true
    })
    await clock.advance(1_000)
    limiter.setLimit({ tokensPerSecond: 10, burstSize: 1 })
    await clock.advance(99)
    expect(admitted).toBe(true)
  })

  it('is held to the same rules as at construction', () => {
    const { limiter } = limiterWith({ tokensPerSecond: 1 })
    expect(() => limiter.setLimit({ tokensPerSecond: 0 })).toThrow('rateLimiter.tokensPerSecond is 0')
    const own = limiterWith({ perClient: { tokensPerSecond: 1 } }).limiter
    expect(() => own.setLimit({ tokensPerSecond: 1 })).toThrow('there is no limit for all')
  })
})

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

describe('a decision that is written over', () => {
  it('says the same as a new one', () => {
    const options = { tokensPerSecond: 5, burstSize: 9, perClient: { tokensPerSecond: 2, burstSize: 4 } }
    const [one, other] = [limiterWith(options), limiterWith(options)]
    const decision = newDecision()
    for (const client of ['a', 7, new Uint8Array([7]), undefined, 'a', 'a', 'a']) {
      for (const cost of [1, 2]) {
        const fresh = one.limiter.tryAcquire({ client, cost })
        expect(other.limiter.admit(decision, client, cost)).toBe(fresh.allowed)
        expect(decision).toEqual(fresh)
      }
      one.clock.block(100)
      other.clock.block(100)
    }
    expect(() => other.limiter.admit(decision, 'a', 5)).toThrow('the burstSize, 4')
  })

  it.each([
    ['only limits of clients', {}],
    ['a limit for all besides', { tokensPerSecond: 5, burstSize: 6 }],
  ])('says the same of a client who asks again, with %s, also while the service wants a pause', (_with, forAll) => {
    const options = { ...forAll, perClient: { tokensPerSecond: 2, burstSize: 4 } }
    const [one, other] = [limiterWith(options), limiterWith(options)]
    const decision = newDecision()
    const places = ['a', 'b'].map((client) => new ClientPlace(client))
    for (let round = 0; round < 12; round++) {
      for (const place of places) {
        const cost = 1 + (round % 3)
        const fresh = one.limiter.tryAcquire({ client: place.client, cost })
        expect(other.limiter.admitAt(decision, place, cost)).toBe(fresh.allowed)
        expect(decision).toEqual(fresh)
      }
      for (const { clock, limiter } of [one, other]) {
        if (round === 5) limiter.pauseFor(500)
        clock.block(round === 7 ? 5_000 : 200)
      }
    }
    expect(other.limiter.snapshot()).toEqual(one.limiter.snapshot())
    for (const place of places) expect(() => other.limiter.admitAt(decision, place, 5)).toThrow('the burstSize, 4')
  })
})

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

describe('a cost', () => {
  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 11])(
    'of %d can never be met, and is refused for that',
    async (cost) => {
      const { limiter } = limiterWith({ tokensPerSecond: 1, burstSize: 10 })
      expect(() => limiter.tryAcquire({ cost })).toThrow(InvalidOptionError)
      expect(await rejection(limiter.acquire({ cost }))).toMatchObject({
        field: 'cost',
        rule: 'it must be above 0 and at most the burstSize, 10',
      })
    },
  )
})

describe('a pause', () => {
  it('admits nobody until it is over, is never shortened, and lasts a week at most', async () => {
    const { clock, limiter } = limiterWith({ tokensPerSecond: 100, burstSize: 100 })
    limiter.pauseFor(2_000)
    limiter.pauseFor(500)
    expect(limiter.tryAcquire()).toMatchObject({ allowed: false, retryAfterMs: 2_000 })
    const waiting = limiter.acquire()
    await clock.advance(2_000)
    await waiting
    limiter.pauseFor(Number.POSITIVE_INFINITY)
    expect(limiter.snapshot().pausedForMs).toBe(604_800_000)
  })
})

describe('a guarded function', () => {
  it('runs once its token is there', async () => {
    const { clock, limiter } = limiterWith({ perClient: { tokensPerSecond: 1, burstSize: 1 } })
    expect(await limiter.execute(() => 1, { client: 'a' })).toBe(1)
    let ran = false
    const second = limiter.execute(
      () => {
        ran = true
      },
      { client: 'a' },
    )
    await clock.advance(999)
    expect(ran).toBe(false)
    await clock.advance(1)
    await second
    expect(ran).toBe(true)
  })
})
