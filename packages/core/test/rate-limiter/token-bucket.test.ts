import { seededRandom } from '@holdfast/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TokenBucket } from '../../src/rate-limiter/token-bucket.ts'
import { TokenClock } from '../../src/rate-limiter/token-clock.ts'

function bucketWith(tokensPerSecond: number, burstSize: number, now = 0): TokenBucket {
  return new TokenBucket(new TokenClock({ tokensPerSecond, burstSize }, now))
}

/** Takes if it can, which must be when it says so. */
function tryTake(bucket: TokenBucket, cost: number, now: number): boolean {
  const wait = bucket.waitMs(cost, now)
  const isTaken = bucket.tryTake(cost, now, 0)
  if (isTaken !== (wait === 0)) throw new Error(`${wait} ms to wait for ${cost}, but taken: ${isTaken}`)
  return isTaken
}

describe('a token bucket', () => {
  it('keeps its bound exactly over a million operations', () => {
    const random = seededRandom(11)
    // A third of a token a millisecond: everything is counted in thirds, in whole numbers, so that the test is exact, too.
    const burstSize = 7
    const bucket = bucketWith(1_000 / 3, burstSize)
    let now = 0
    let taken = 0
    let most = Number.NEGATIVE_INFINITY
    for (let call = 0; call < 1_000_000; call++) {
      now += Math.floor(random() * 4_096) / 1_024
      const cost = 1 + Math.floor(random() * 3)
      // The largest excess of any window that begins here: 3 × tokens − milliseconds.
      most = Math.max(most, now - 3 * taken)
      if (!tryTake(bucket, cost, now)) continue
      taken += cost
      if (3 * taken - now + most > 3 * burstSize) throw new Error(`call ${call}: a window has too many`)
    }
    // And it is not stingy either: a millionth is lost at most.
    expect(3 * taken).toBeGreaterThan(now * (1 - 1e-6))
  })

  it('loses nothing to calls in the middle of a grain', () => {
    const bucket = bucketWith(1, 1, 0.123456789)
    for (let call = 0; call < 100; call++) expect(tryTake(bucket, 1, 0.123456789 + call * 1_000.000001)).toBe(true)
  })

  it('gives its burst at one moment, whichever that is', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e10, noNaN: true }), fc.integer({ min: 1, max: 100 }), (now, burstSize) => {
        const bucket = bucketWith(1 / 3, burstSize)
        for (let left = burstSize; left > 0; left--) {
          expect(Math.floor(bucket.available(now))).toBe(left)
          expect(tryTake(bucket, 1, now)).toBe(true)
        }
        expect(tryTake(bucket, 1, now)).toBe(false)
      }),
    )
  })

  it('holds what it is given back, and never more than its burst', () => {
    const bucket = bucketWith(1, 5)
    bucket.take(3, 0)
    bucket.giveBack(2)
    expect(bucket.available(0)).toBe(4)
    bucket.giveBack(4)
    expect(bucket.available(0)).toBe(5)
    expect([1, 1, 1, 1, 1, 1].map((cost) => tryTake(bucket, cost, 0)).filter(Boolean)).toHaveLength(5)
  })
})

describe('a clock that misbehaves', () => {
  it('and stands still brings no tokens', () => {
    const bucket = bucketWith(1_000, 3)
    expect(Array.from({ length: 1_000 }, () => tryTake(bucket, 1, 5)).filter(Boolean)).toHaveLength(3)
  })

  it('and jumps ahead brings one burst', () => {
    const bucket = bucketWith(1, 3)
    for (const at of [0, 3_600_000]) {
      expect(Array.from({ length: 10 }, () => tryTake(bucket, 1, at)).filter(Boolean)).toHaveLength(3)
    }
  })

  it('and goes back brings no tokens, and costs no more than one refill', () => {
    const bucket = bucketWith(1, 3, 3_600_000)
    expect(Array.from({ length: 10 }, () => tryTake(bucket, 1, 3_600_000)).filter(Boolean)).toHaveLength(3)
    expect(tryTake(bucket, 1, 0)).toBe(false)
    expect(bucket.waitMs(1, 0)).toBe(1_000)
    expect(tryTake(bucket, 1, 1_000)).toBe(true)
    expect(tryTake(bucket, 1, 1_000)).toBe(false)
  })

  it('and goes back and forth brings no more than the time that went forth', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -2_000, max: 2_000, noNaN: true }), { maxLength: 200 }),
        fc.integer({ min: 1, max: 5 }),
        (steps, burstSize) => {
          const bucket = bucketWith(10, burstSize)
          let now = 0
          let forth = 0
          let taken = 0
          for (const by of steps) {
            now += by
            forth += Math.max(0, by)
            if (tryTake(bucket, 1, now)) taken++
          }
          expect(taken).toBeLessThanOrEqual(burstSize + forth / 100 + 1e-6)
        },
      ),
    )
  })
})
