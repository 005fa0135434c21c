import { describe, expect, it } from 'vitest'
import { UPSTREAM_LIMITS } from '../src/index.ts'

describe('the limits towards providers', () => {
  it.each([
    ['alpacaTrading', 200, 60],
    ['alpacaData', 200, 60],
    ['polygonFree', 5, 60],
    ['massiveFree', 5, 60],
    ['yahoo', 60, 60],
    ['fred', 2, 1],
    ['fred', 120, 60],
  ] as const)('of %s keeps to %d in %d s, wherever the window begins', (name, requests, seconds) => {
    const { tokensPerSecond, burstSize } = UPSTREAM_LIMITS[name]
    // In less than the window: of whole calls one fewer than this, rounded up.
    expect(burstSize + tokensPerSecond * seconds).toBeLessThan(requests + 1)
  })

  it.each([
    ['alpacaTrading', 200],
    ['alpacaData', 200],
    ['polygonFree', 5],
    ['massiveFree', 5],
    ['yahoo', 60],
    ['fred', 120],
  ] as const)('of %s use nearly all of %d a minute', (name, requests) => {
    expect(UPSTREAM_LIMITS[name].tokensPerSecond * 60).toBeGreaterThanOrEqual(0.95 * requests)
  })
})
