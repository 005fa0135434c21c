import fc from 'fast-check'
import { pipeline, RateLimiter } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { rejection, statusError } from '../support.ts'
import { limiterWith } from './limiter-with.ts'

/** An answer with such headers, as `fetch` gives it. */
function answerWith(headers: Record<string, string>): Response {
  return new Response(null, { headers })
}

function admittedOf(limiter: RateLimiter, calls: number): number {
  return Array.from({ length: calls }, () => limiter.tryAcquire().allowed).filter(Boolean).length
}

describe('what the service says is left', () => {
  it('is all that is admitted until its limit begins anew', async () => {
    const { clock, limiter } = limiterWith({ tokensPerSecond: 10, burstSize: 10 })
    limiter.learn({ remaining: 3, resetMs: 60_000 })
    expect(limiter.snapshot().learnedRemaining).toBe(3)
    expect(admittedOf(limiter, 10)).toBe(3)
    expect(limiter.tryAcquire()).toMatchObject({ allowed: false, retryAfterMs: 60_000 })
    await clock.advance(59_999)
    expect(admittedOf(limiter, 1)).toBe(0)
    await clock.advance(1)
    expect(limiter.snapshot().learnedRemaining).toBeNull()
    expect(admittedOf(limiter, 20)).toBe(10)
  })

  it('never widens the limit', () => {
    const { limiter } = limiterWith({ tokensPerSecond: 1, burstSize: 2 })
    limiter.learn({ remaining: 1_000, resetMs: 60_000 })
    expect(admittedOf(limiter, 10)).toBe(2)
  })

  it('does not forget calls under way, which the service has not counted yet', () => {
    const { limiter } = limiterWith({ tokensPerSecond: 100, burstSize: 100 })
    limiter.learn({ remaining: 10, resetMs: 60_000 })
    expect(admittedOf(limiter, 6)).toBe(6)
    // The answer to the first of the six.
    limiter.learn({ remaining: 9, resetMs: 60_000 })
    expect(admittedOf(limiter, 10)).toBe(4)
  })

  it('goes by the latest window, whichever answer comes first', async () => {
    const { clock, limiter } = limiterWith({ tokensPerSecond: 100, burstSize: 100 })
    limiter.learn({ remaining: 0, resetMs: 5_000 })
    await clock.advance(5_000)
    limiter.learn({ remaining: 50, resetMs: 60_000 })
    // An answer that was overtaken: its window is over.
    limiter.learn({ remaining: 0, resetMs: 1 })
    expect(limiter.snapshot().learnedRemaining).toBe(50)
  })

  it('gets back what was not used', () => {
    const { clock, limiter } = limiterWith({ tokensPerSecond: 100, burstSize: 100 })
    limiter.learn({ remaining: 1, resetMs: 60_000 })
    expect(admittedOf(limiter, 2)).toBe(1)
    limiter.giveBack(undefined, 1, clock.now())
    expect(admittedOf(limiter, 2)).toBe(1)
  })

  it.each([
    { remaining: -1, resetMs: 1_000 },
    { remaining: Number.NaN, resetMs: 1_000 },
    { remaining: 0, resetMs: 0 },
    { remaining: 0, resetMs: -5 },
    { remaining: 0, resetMs: Number.NaN },
  ])('is ignored when it makes no sense: %j', (quota) => {
    const { limiter } = limiterWith({ tokensPerSecond: 10, burstSize: 10 })
    limiter.learn(quota)
    expect(admittedOf(limiter, 20)).toBe(10)
  })

  it('is obeyed for a week at most', () => {
    const { limiter } = limiterWith({ tokensPerSecond: 10 })
    limiter.learn({ remaining: 0, resetMs: 1e15 })
    expect(limiter.tryAcquire()).toMatchObject({ retryAfterMs: 604_800_000 })
  })
})

describe('headers', () => {
  const wallTime = Date.UTC(2026, 0, 5, 14, 30)
  const inAMinute = wallTime / 1_000 + 60
  const date = new Date(wallTime - 3_600_000).toUTCString()

  it.each<[string, Record<string, string>, number, number]>([
    ['RateLimit', { ratelimit: '"default";r=50;t=30' }, 50, 30_000],
    ['RateLimit with several limits', { ratelimit: '"burst";r=9;t=1, "day";r=2;t=3600;pk=:YQ==:' }, 2, 3_600_000],
    ['a name with a comma and semicolons', { ratelimit: '"a, ;r=1;t=1";r=7;t=9' }, 7, 9_000],
    ['X-RateLimit in seconds from now', { 'x-ratelimit-remaining': '4', 'x-ratelimit-reset': '12' }, 4, 12_000],
    ['X-RateLimit as a time', { 'x-ratelimit-remaining': '4', 'x-ratelimit-reset': String(inAMinute) }, 4, 60_000],
    ['in milliseconds', { 'x-ratelimit-remaining': '4', 'x-ratelimit-reset': String(inAMinute * 1_000) }, 4, 60_000],
    [
      'by the service’s clock',
      { 'x-ratelimit-remaining': '4', 'x-ratelimit-reset': String(inAMinute - 3_600), date },
      4,
      60_000,
    ],
    ['RateLimit-Remaining of older drafts', { 'ratelimit-remaining': '0', 'ratelimit-reset': '2.5' }, 0, 2_500],
    ['X-Rate-Limit', { 'x-rate-limit-remaining': '1', 'x-rate-limit-reset': '1' }, 1, 1_000],
  ])('%s are read', (_name, headers, remaining, resetMs) => {
    const { clock, limiter } = limiterWith({ tokensPerSecond: 1_000, burstSize: 1_000, learn: true })
    limiter.learnFrom(answerWith(headers))
    expect(limiter.snapshot().learnedRemaining).toBe(remaining)
    clock.block(resetMs - 1)
    expect(limiter.snapshot().learnedRemaining).toBe(remaining)
    clock.block(1)
    expect(limiter.snapshot().learnedRemaining).toBeNull()
  })

  it.each<[Record<string, string>]>([
    [{}],
    [{ ratelimit: 'many' }],
    [{ ratelimit: '"default";r=5' }],
    [{ ratelimit: '"default";r=-5;t=3' }],
    [{ 'x-ratelimit-remaining': '5' }],
    [{ 'x-ratelimit-remaining': 'five', 'x-ratelimit-reset': '1' }],
    [{ 'x-ratelimit-remaining': '5', 'x-ratelimit-reset': 'tomorrow' }],
    [{ 'x-ratelimit-remaining': '5', 'x-ratelimit-reset': '9'.repeat(40) }],
    [{ 'x-ratelimit-remaining': '5', 'x-ratelimit-reset': '1000000000' }],
  ])('%j say nothing', (headers) => {
    const { limiter } = limiterWith({ tokensPerSecond: 10, learn: true })
    limiter.learnFrom(answerWith(headers))
    expect(limiter.snapshot().learnedRemaining).toBeNull()
  })

  it('of any kind are harmless', () => {
    const { limiter } = limiterWith({ tokensPerSecond: 10 })
    fc.assert(
      fc.property(fc.anything(), fc.string(), fc.string(), (headers, ratelimit, reset) => {
        limiter.learnFrom({ headers })
        limiter.learnFrom({ headers: { ratelimit } })
        limiter.learnFrom({ headers: { 'x-ratelimit-remaining': reset, 'x-ratelimit-reset': reset } })
        limiter.throttled(undefined, headers)
      }),
    )
  })

  it('are read from answers and from errors, where the limiter learns', async () => {
    const { clock, limiter } = limiterWith({ tokensPerSecond: 1_000, burstSize: 1_000, learn: true })
    const guarded = pipeline({ rateLimiter: limiter, clock })
    await guarded.execute(() => answerWith({ ratelimit: '"default";r=5;t=30' }))
    expect(limiter.snapshot().learnedRemaining).toBe(5)
    const error = Object.assign(statusError(404), { response: { headers: { ratelimit: '"default";r=3;t=30' } } })
    await rejection(guarded.execute(() => Promise.reject(error)))
    expect(limiter.snapshot().learnedRemaining).toBe(3)
  })

  it('are not read where it does not', async () => {
    const { clock, limiter } = limiterWith({ tokensPerSecond: 1_000 })
    await pipeline({ rateLimiter: limiter, clock }).execute(() => answerWith({ ratelimit: '"default";r=0;t=30' }))
    expect(limiter.snapshot().learnedRemaining).toBeNull()
  })
})

describe('a limit of the service whose window slides', () => {
  it('holds up nobody who keeps far under it', async () => {
    const { clock, limiter } = limiterWith({ tokensPerSecond: 1_000, burstSize: 1_000, learn: true })
    const service = new RateLimiter({ clock, tokensPerSecond: 10, burstSize: 100 })
    for (let call = 0; call < 600; call++) {
      expect(limiter.tryAcquire().allowed).toBe(true)
      const { allowed, remaining, resetMs } = service.tryAcquire()
      expect(allowed).toBe(true)
      limiter.learnFrom({ headers: { ratelimit: `"default";r=${remaining};t=${Math.ceil(resetMs / 1_000)}` } })
      await clock.advance(200)
    }
  })

  it('is kept by who would call more often', async () => {
    const { clock, limiter } = limiterWith({ tokensPerSecond: 1_000, burstSize: 1_000, learn: true })
    const service = new RateLimiter({ clock, tokensPerSecond: 10, burstSize: 100 })
    let refusedByService = 0
    for (let call = 0; call < 3_000; call++) {
      if (limiter.tryAcquire().allowed) {
        const { allowed, remaining, resetMs } = service.tryAcquire()
        if (!allowed) refusedByService++
        limiter.learnFrom({ headers: { ratelimit: `"default";r=${remaining};t=${Math.ceil(resetMs / 1_000)}` } })
      }
      await clock.advance(20)
    }
    expect(refusedByService).toBe(0)
  })
})

describe('a ban', () => {
  it.each([418, 429])('with status %d lasts as long as the service says, and no burst follows it', async (status) => {
    const { clock, limiter } = limiterWith({ tokensPerSecond: 10, burstSize: 50 })
    const guarded = pipeline({ rateLimiter: limiter, clock })
    const banned = Object.assign(statusError(status), { response: { headers: { 'retry-after': '7200' } } })
    await rejection(guarded.execute(() => Promise.reject(banned)))
    expect(limiter.snapshot().pausedForMs).toBe(7_200_000)
    await clock.advance(7_199_999)
    expect(admittedOf(limiter, 5)).toBe(0)
    await clock.advance(1)
    expect(admittedOf(limiter, 5)).toBe(1)
    await clock.advance(1_000)
    expect(admittedOf(limiter, 50)).toBe(10)
  })

  it('that names no time ends with the window that the service tells', async () => {
    const { clock, limiter } = limiterWith({ tokensPerSecond: 10, burstSize: 50 })
    const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '30' }
    const banned = Object.assign(statusError(429), { response: { headers } })
    await rejection(pipeline({ rateLimiter: limiter, clock }).execute(() => Promise.reject(banned)))
    expect(limiter.snapshot().pausedForMs).toBe(30_000)
  })

  it('that ended long ago takes nothing of what has come in since', async () => {
    const { clock, limiter } = limiterWith({ tokensPerSecond: 10, burstSize: 100 })
    limiter.pauseFor(1_000)
    await clock.advance(1_000 + 5_000)
    expect(admittedOf(limiter, 100)).toBe(51)
  })

  it('that tells nothing leaves nothing of what was saved up', async () => {
    const { clock, limiter } = limiterWith({ tokensPerSecond: 10, burstSize: 50 })
    await rejection(pipeline({ rateLimiter: limiter, clock }).execute(() => Promise.reject(statusError(429))))
    expect(limiter.snapshot().pausedForMs).toBe(0)
    expect(admittedOf(limiter, 5)).toBe(0)
    await clock.advance(100)
    expect(admittedOf(limiter, 5)).toBe(1)
  })
})
