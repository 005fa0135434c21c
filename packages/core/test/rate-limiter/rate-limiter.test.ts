import { VirtualClock } from '@holdfast/testing'
import fc from 'fast-check'
import { ClientPlace, InvalidOptionError, newDecision, RateLimiter } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { rejection } from '../support.ts'
import { limiterWith } from './limiter-with.ts'

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
