import fc from 'fast-check'
import { InvalidOptionError, type Priority, RateLimiter, type WindowLimit } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { limiterWith } from './limiter-with.ts'

const PROVIDER: readonly WindowLimit[] = [
  { limit: 50, windowMs: 1_000 },
  { limit: 200, windowMs: 60_000 },
  { limit: 10_000, windowMs: 86_400_000 },
]

interface Admitted {
  readonly at: number
  readonly cost: number
}

/** The most that any window of that length has seen, wherever it begins. */
function mostIn(windowMs: number, admitted: readonly Admitted[]): number {
  let most = 0
  let sum = 0
  let first = 0
  for (const { at, cost } of admitted) {
    sum += cost
    for (let oldest = admitted[first]; oldest !== undefined && at - oldest.at >= windowMs; oldest = admitted[++first]) {
      sum -= oldest.cost
    }
    most = Math.max(most, sum)
  }
  return most
}

describe('several windows at once', () => {
  it('none is ever exceeded, wherever it begins, and whatever is given back', () => {
    const window = fc
      .record({ limit: fc.integer({ min: 1, max: 60 }), windowMs: fc.integer({ min: 1, max: 5_000 }), share: fc.nat() })
      .map(({ limit, windowMs, share }) => ({ limit, windowMs, burstSize: 1 + (share % limit) }))
    fc.assert(
      fc.property(
        fc.uniqueArray(window, { minLength: 1, maxLength: 3, selector: ({ windowMs }) => windowMs }),
        fc.array(
          fc.record({
            gapMs: fc.oneof(fc.constantFrom(0, 1, 0.25), fc.integer({ min: 0, max: 400 })),
            cost: fc.constantFrom(1, 1, 1, 2, 3),
            giveBack: fc.boolean(),
          }),
          { maxLength: 300 },
        ),
        (windows, arrivals) => {
          const { clock, limiter } = limiterWith({ windows })
          const dearest = Math.min(...windows.map(({ burstSize }) => burstSize))
          const admitted: Admitted[] = []
          for (const { gapMs, cost, giveBack } of arrivals) {
            clock.block(gapMs)
            const paid = Math.min(cost, dearest)
            if (!limiter.tryAcquire({ cost: paid }).allowed) continue
            if (giveBack) limiter.giveBack(undefined, paid, clock.now())
            else admitted.push({ at: clock.now(), cost: paid })
          }
          for (const { limit, windowMs } of windows) expect(mostIn(windowMs, admitted)).toBeLessThanOrEqual(limit)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('50 a second, 200 a minute and 10,000 a day, asked for without a break', () => {
    const { clock, limiter } = limiterWith({ windows: PROVIDER })
    const admitted: Admitted[] = []
    for (let minute = 0; minute < 3; minute++) {
      for (let ms = 0; ms < 60_000; ms += 5) {
        if (limiter.tryAcquire().allowed) admitted.push({ at: clock.now(), cost: 1 })
        clock.block(5)
      }
    }
    for (const { limit, windowMs } of PROVIDER) expect(mostIn(windowMs, admitted)).toBeLessThanOrEqual(limit)
    // Nine tenths of what is allowed is used.
    expect(admitted.length).toBeGreaterThan(3 * 200 * 0.9)
  })

  it('take from all or from none', () => {
    const { clock, limiter } = limiterWith({
      windows: [
        { limit: 10, windowMs: 1_000, burstSize: 5 },
        { limit: 6, windowMs: 60_000, burstSize: 6 },
      ],
    })
    for (let call = 0; call < 5; call++) expect(limiter.tryAcquire().allowed).toBe(true)
    // The second window has one left, and keeps it although the first refuses.
    expect(limiter.tryAcquire()).toMatchObject({ allowed: false, limit: 5, remaining: 0 })
    clock.block(1_000)
    expect(limiter.tryAcquire()).toMatchObject({ allowed: true, limit: 6, remaining: 0 })
    expect(limiter.tryAcquire()).toMatchObject({ allowed: false, limit: 6 })
    expect(limiter.snapshot()).toMatchObject({ remaining: 0, totals: { admitted: 6, refused: 2 } })
  })

  it('may stand beside tokensPerSecond and perClient', () => {
    const { limiter } = limiterWith({
      tokensPerSecond: 100,
      burstSize: 4,
      windows: [{ limit: 3, windowMs: 60_000, burstSize: 3 }],
      perClient: { tokensPerSecond: 1, burstSize: 2 },
    })
    const allowed = ['a', 'a', 'a', 'b', 'c'].map((client) => limiter.tryAcquire({ client }))
    expect(allowed.map((decision) => decision.allowed)).toEqual([true, true, false, true, false])
    expect(allowed[2]).toMatchObject({ scope: 'client', limit: 2 })
    expect(allowed[4]).toMatchObject({ scope: 'global', limit: 3 })
  })

  it('count calls, so that a cost is a whole number', () => {
    const { limiter } = limiterWith({ windows: [{ limit: 100, windowMs: 1_000 }] })
    expect(() => limiter.tryAcquire({ cost: 1.5 })).toThrow('a whole number from 1 to the burstSize, 10')
    expect(() => limiter.tryAcquire({ cost: 11 })).toThrow('a whole number from 1 to the burstSize, 10')
  })

  it.each<[unknown, string]>([
    [[], 'rateLimiter.windows'],
    [{ limit: 1, windowMs: 1 }, 'rateLimiter.windows'],
    [[{ limit: 0, windowMs: 1 }], 'rateLimiter.windows.0.limit'],
    [[{ limit: 1.5, windowMs: 1 }], 'rateLimiter.windows.0.limit'],
    [[{ limit: 1 }], 'rateLimiter.windows.0.windowMs'],
    [
      [
        { limit: 5, windowMs: 10 },
        { limit: 5, windowMs: 0 },
      ],
      'rateLimiter.windows.1.windowMs',
    ],
    [[{ limit: 5, windowMs: 10, burstSize: 6 }], 'rateLimiter.windows.0.burstSize'],
    [[{ limit: 5, windowMs: 10, burst: 1 }], 'rateLimiter.windows.0.burst'],
    [
      [
        { limit: 5, windowMs: 10 },
        { limit: 6, windowMs: 10 },
      ],
      'rateLimiter.windows.0.windowMs',
    ],
  ])('%j are no windows', (windows, field) => {
    const options = JSON.parse(JSON.stringify({ windows }))
    expect(() => new RateLimiter(options)).toThrow(expect.objectContaining({ field }))
    expect(() => new RateLimiter(options)).toThrow(InvalidOptionError)
  })
})

describe('smooth pacing', () => {
  it('spaces calls evenly, whatever was saved up', async () => {
    const { clock, limiter } = limiterWith({ tokensPerSecond: 10, burstSize: 10, smooth: true })
    const at: number[] = []
    const calls = Array.from({ length: 5 }, () => limiter.acquire().then(() => at.push(clock.now())))
    await clock.advance(1_000)
    await Promise.all(calls)
    expect(at).toEqual([0, 100, 200, 300, 400])
  })

  it('spaces by what a call costs, also when that is more than one', async () => {
    const { clock, limiter } = limiterWith({ tokensPerSecond: 10, burstSize: 10, smooth: true })
    expect(limiter.tryAcquire({ cost: 5 })).toMatchObject({ allowed: true, limit: 10, remaining: 5 })
    expect(limiter.tryAcquire()).toMatchObject({ allowed: false, retryAfterMs: 500 })
    await clock.advance(500)
    expect(limiter.tryAcquire().allowed).toBe(true)
  })

  it('goes by the quickest of several windows, and by a limit that is changed', () => {
    const { clock, limiter } = limiterWith({
      tokensPerSecond: 10,
      windows: [{ limit: 100, windowMs: 60_000 }],
      smooth: true,
    })
    expect(limiter.tryAcquire().allowed).toBe(true)
    expect(limiter.tryAcquire()).toMatchObject({ retryAfterMs: 100 })
    limiter.setLimit({ tokensPerSecond: 2 })
    clock.block(1_000)
    expect(limiter.tryAcquire().allowed).toBe(true)
    expect(limiter.tryAcquire()).toMatchObject({ retryAfterMs: 500 })
  })

  it('needs a limit for all', () => {
    expect(() => limiterWith({ perClient: { tokensPerSecond: 1 }, smooth: true })).toThrow(
      'smooth needs a limit for all',
    )
  })
})

describe('a share for critical calls', () => {
  it('is always there for them, whatever the others want', () => {
    const priority = fc.constantFrom<Priority>('critical', 'normal', 'background')
    fc.assert(
      fc.property(
        fc.record({
          tokensPerSecond: fc.integer({ min: 1, max: 100 }),
          burstSize: fc.integer({ min: 1, max: 50 }),
          criticalShare: fc.double({ min: 0, max: 0.9, noNaN: true }),
        }),
        fc.array(
          fc.record({ gapMs: fc.integer({ min: 0, max: 200 }), priority, cost: fc.integer({ min: 1, max: 3 }) }),
          { maxLength: 300 },
        ),
        ({ tokensPerSecond, burstSize, criticalShare }, arrivals) => {
          const reserve = Math.min(Math.floor(criticalShare * burstSize), burstSize - 1)
          fc.pre(reserve > 0)
          const { clock, limiter } = limiterWith({ tokensPerSecond, burstSize, criticalShare })
          // What is left of the share when only critical calls draw on it; below 0 when they have had more.
          let share = reserve
          for (const { gapMs, priority, cost } of arrivals) {
            clock.block(gapMs)
            share = Math.min(reserve, share + (tokensPerSecond * gapMs) / 1_000)
            const critical = priority === 'critical'
            const wanted = { priority, cost: Math.min(cost, critical ? reserve : burstSize - reserve) }
            const { allowed } = limiter.tryAcquire(wanted)
            // 1e-9: the sum of the test is in floating point.
            if (critical && !allowed && share > wanted.cost + 1e-9) throw new Error('a critical call found no token')
            if (critical && allowed) share -= wanted.cost
          }
        },
      ),
      { numRuns: 200 },
    )
  })

  it('is not counted among what the others are told is left, and cannot be paid for by them', () => {
    const { limiter } = limiterWith({ tokensPerSecond: 1, burstSize: 10, criticalShare: 0.3 })
    expect(limiter.tryAcquire()).toMatchObject({ allowed: true, remaining: 6 })
    expect(limiter.tryAcquire({ priority: 'critical' })).toMatchObject({ allowed: true, remaining: 8 })
    expect(() => limiter.tryAcquire({ cost: 8 })).toThrow('at most the burstSize, 7')
    expect(limiter.tryAcquire({ cost: 8, priority: 'critical' }).allowed).toBe(true)
  })

  it('is kept in each client’s own bucket as well', () => {
    const { limiter } = limiterWith({ perClient: { tokensPerSecond: 1, burstSize: 5 }, criticalShare: 0.2 })
    const allowed = [1, 2, 3, 4, 5].map(() => limiter.tryAcquire({ client: 'a' }).allowed)
    expect(allowed).toEqual([true, true, true, true, false])
    expect(limiter.tryAcquire({ client: 'a', priority: 'critical' }).allowed).toBe(true)
    expect(limiter.tryAcquire({ client: 'a', priority: 'critical' }).allowed).toBe(false)
  })

  it.each([-0.1, 0.91, Number.NaN])('cannot be %d', (criticalShare) => {
    expect(() => limiterWith({ tokensPerSecond: 1, criticalShare })).toThrow('it must be a number from 0 to 0.9')
  })
})
