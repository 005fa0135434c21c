import { VirtualClock } from '@holdfast/testing'
import { type AdjustableBucket, type CompleteLimit, type LimiterStore, RateLimiter } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { KeyedBuckets } from '../../src/rate-limiter/keyed-buckets.ts'
import { TokenBucket } from '../../src/rate-limiter/token-bucket.ts'
import { TokenClock } from '../../src/rate-limiter/token-clock.ts'
import { deferred } from '../support.ts'

/** A store that has no tokens before it was granted some, and must be asked for them. */
class GrantingStore implements LimiterStore {
  readonly limits: CompleteLimit[] = []
  readonly asked = deferred()
  readonly askedFor: number[] = []
  granted = 0
  wake = (): void => undefined

  bucket(limit: CompleteLimit, wake: () => void): AdjustableBucket {
    this.limits.push(limit)
    this.wake = wake
    const waitMs = (cost: number): number => (this.granted >= cost ? 0 : 50)
    return {
      ...limit,
      available: () => this.granted,
      waitMs,
      tryTake: (cost) => {
        if (this.granted < cost) return false
        this.granted -= cost
        return true
      },
      take: (cost) => {
        this.granted -= cost
      },
      giveBack: (cost) => {
        this.granted += cost
      },
      estimateMs: waitMs,
      fullInMs: () => 0,
      setLimit: () => undefined,
      asking: (cost) => {
        this.askedFor.push(cost)
        return this.asked.promise
      },
    }
  }

  clientBuckets(limit: CompleteLimit, maxClients: number): KeyedBuckets {
    this.limits.push(limit)
    return new KeyedBuckets(new TokenClock(limit, 0), maxClients)
  }
}

describe('a store under the limiter', () => {
  it('is asked for a bucket for each limit, by name', () => {
    const store = new GrantingStore()
    new RateLimiter({
      tokensPerSecond: 5,
      windows: [{ limit: 100, windowMs: 60_000 }],
      perClient: { tokensPerSecond: 1 },
      store,
    })
    expect(store.limits.map(({ label, burstSize }) => [label, burstSize])).toEqual([
      ['global', 5],
      ['global/60000', 10],
      ['client', 1],
    ])
  })

  it('has those who wait admitted when it says that tokens have come', async () => {
    const clock = new VirtualClock()
    const store = new GrantingStore()
    const limiter = new RateLimiter({ tokensPerSecond: 5, store, clock })
    let admitted = 0
    const waiting = [limiter.acquire(), limiter.acquire()].map((acquired) => acquired.then(() => admitted++))
    await clock.settle()
    store.granted = 1
    store.wake()
    await clock.settle()
    expect(admitted).toBe(1)
    store.granted = 1
    store.wake()
    await Promise.all(waiting)
    expect(clock.pendingTimers).toBe(0)
  })

  it('is asked for what is kept for critical calls too, but by those', () => {
    const store = new GrantingStore()
    const limiter = new RateLimiter({ tokensPerSecond: 10, burstSize: 10, criticalShare: 0.5, store })
    void limiter.decide({ cost: 2 })
    void limiter.decide({ cost: 2, priority: 'critical' })
    expect(store.askedFor).toEqual([7, 2])
  })

  it('that must ask elsewhere is waited for before a no is a no', async () => {
    const store = new GrantingStore()
    const limiter = new RateLimiter({ tokensPerSecond: 5, store, clock: new VirtualClock() })
    const decision = limiter.decide()
    expect(decision).toBeInstanceOf(Promise)
    store.granted = 1
    store.asked.resolve()
    expect(await decision).toMatchObject({ allowed: true })
    expect(await limiter.decide()).toMatchObject({ allowed: false })
    expect(limiter.snapshot().totals).toEqual({ admitted: 1, refused: 1 })
  })
})

describe('a decision in this process', () => {
  it('is no promise', () => {
    const limiter = new RateLimiter({ tokensPerSecond: 1, burstSize: 1, clock: new VirtualClock() })
    expect(limiter.decide()).toMatchObject({ allowed: true })
    expect(limiter.decide()).toMatchObject({ allowed: false, retryAfterMs: 1_000 })
  })

  it('tells how long the longest of its limits is waited for', () => {
    const limiter = new RateLimiter({
      tokensPerSecond: 10,
      burstSize: 1,
      perClient: { tokensPerSecond: 1, burstSize: 1 },
      clock: new VirtualClock(),
    })
    expect(limiter.tryAcquire({ client: 'a' }).allowed).toBe(true)
    expect(limiter.tryAcquire({ client: 'a' })).toMatchObject({ scope: 'client', retryAfterMs: 1_000 })
    expect(limiter.tryAcquire({ client: 'b' })).toMatchObject({ scope: 'global', retryAfterMs: 100 })
  })

  it('keeps a bucket in one number', () => {
    const bucket = new TokenBucket(new TokenClock({ tokensPerSecond: 1, burstSize: 3 }, 0))
    bucket.take(2, 0)
    expect(bucket.fullInMs(0)).toBe(2_000)
  })
})
